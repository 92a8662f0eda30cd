/** What a fault is: a named way to misbehave, with hooks at the moments where it can. */
import type { HeldMemory } from "../memory.ts";
import type { Json } from "../python.ts";
import type { PromptAges } from "../queue/prompt-ages.ts";
import type { SocketFaults } from "../socket/socket-faults.ts";

/** What a fault may do to the server. */
export interface FaultSurface {
  /** Ends the process at once with this exit code, nothing cleaned up. */
  readonly exit: (code: number) => void;
  /** Ends the process as a crash does: by SIGKILL. */
  readonly kill: () => void;
  /** Stops the whole process for so many milliseconds, the control port with it. */
  readonly freeze: (ms: number) => void;
  readonly logError: (message: string) => void;
  readonly sockets: SocketFaults;
  readonly memory: HeldMemory;
  /** Where a file that a node showed is on the disk. */
  readonly pathOf: (file: { filename: string; subfolder: string; type: string }) => string;
  /** How long ago a prompt was taken, began and ended; null for one that was never seen. */
  readonly agesOf: (promptId: string) => PromptAges | null;
  /** The port asked for on the command line. */
  readonly port: number;
  readonly address: string;
}

/** One armed fault as its hooks see it. */
export interface Armed {
  /** The text after `=`; null without one. */
  readonly argument: string | null;
  readonly surface: FaultSurface;
  /** Settles when the fault is cleared. */
  readonly cleared: Promise<void>;
}

/** The node that is about to run. */
export interface NodeMoment {
  readonly nodeId: string;
  readonly classType: string;
  readonly promptId: string;
}

/** A message on its way to clients. */
export interface OutgoingMessage {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A named fault. Hooks that are absent change nothing at their moment. */
export interface Fault {
  readonly name: string;
  /** One line for people: what it does and which arguments it knows. */
  readonly summary: string;
  /** The reason why the argument cannot be used, or null when it can. */
  readonly refuses: (argument: string | null) => string | null;
  /** Before the port opens. */
  readonly beforeListen?: (armed: Armed) => void;
  /** Once the server is up, or when the fault is armed later. */
  readonly whenReady?: (armed: Armed) => void;
  /** Before a request is handled; the request waits. */
  readonly beforeRequest?: (armed: Armed) => Promise<void>;
  /** Before a graph is checked; its request waits. */
  readonly beforeValidation?: (armed: Armed) => Promise<void>;
  /** True where the server has no route at this path while the fault is armed. */
  readonly hides?: (path: string) => boolean;
  /** Before the worker takes a waiting prompt. What it throws ends the worker; the prompt goes on waiting. */
  readonly beforeTake?: (armed: Armed) => void;
  /** When a prompt starts to run. What it throws ends the worker; the prompt goes on counting as running. */
  readonly runStarts?: (armed: Armed) => Promise<void> | void;
  /** Before a node runs, after clients were told that it does; the node waits, and fails by what is thrown. */
  readonly nodeStarts?: (armed: Armed, moment: NodeMoment) => Promise<void> | void;
  /** False keeps the message from every client. */
  readonly passes?: (armed: Armed, message: OutgoingMessage) => boolean;
  /** True where a cancel of the running prompt is answered as ever and comes to nothing. */
  readonly losesCancel?: (armed: Armed) => boolean;
  /** True while queue, jobs and history say nothing of this prompt. */
  readonly forgets?: (armed: Armed, promptId: string) => boolean;
  /** With what a node shows that the cache answers for instead of a run. */
  readonly cachedShown?: (armed: Armed, shown: Json) => void;
}

/** Refuses any argument. */
export function refusesAll(argument: string | null): string | null {
  return argument === null ? null : "it takes no argument";
}
