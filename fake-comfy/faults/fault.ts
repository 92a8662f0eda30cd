/** What a fault is: a named way to misbehave, with hooks at the moments where it can. */

/** What a fault may do to the server. */
export interface FaultSurface {
  /** Ends the process at once with this exit code, nothing cleaned up. */
  readonly exit: (code: number) => void;
  /** Ends the process as a crash does: by SIGKILL. */
  readonly kill: () => void;
  readonly dropSockets: () => void;
  readonly logError: (message: string) => void;
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
  /** True where the server has no route at this path while the fault is armed. */
  readonly hides?: (path: string) => boolean;
  /** When a prompt starts to run. */
  readonly runStarts?: (armed: Armed) => Promise<void> | void;
  /** Before a node runs, after clients were told that it does; the node waits. */
  readonly nodeStarts?: (armed: Armed, moment: NodeMoment) => Promise<void> | void;
  /** False keeps the message from every client. */
  readonly passes?: (armed: Armed, message: OutgoingMessage) => boolean;
}
