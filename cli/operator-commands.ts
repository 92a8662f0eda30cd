/** The commands of people who run a fleet: `pods`, `keys` and `doctor`. */
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { DEFAULT_DATA_DIR } from "./credentials.ts";
import { agentDoctor, agentHealth, startAgent } from "./commands/agent.ts";
import { doctor } from "./commands/doctor.ts";
import { enrollPods, removePod } from "./commands/enroll.ts";
import { createKey, listKeys, revokeKey } from "./commands/keys.ts";
import { podLogs } from "./commands/pod-logs.ts";
import { cordonPod, drainPod, freePod, getPod, listPods, restartPod, uncordonPod } from "./commands/pods.ts";
import { spanOfTime } from "./span-of-time.ts";
import { tailnetCheck, tailnetStatus } from "./commands/tailnet.ts";
import { joinTailnet } from "./commands/tailnet-join.ts";
import { pageOptions } from "./page.ts";

export interface CommandTools {
  perform(flags: { json?: boolean }, action: (context: CliContext) => Promise<number>): Promise<void>;
  signIn(command: Command): Command;
  integer(minimum: number, maximum: number): (text: string) => number;
  collect(value: string, previous: string[] | undefined): string[];
}

const MAX_LINES = 2_000;
const MAX_ENROLLED = 100;

function addPods(program: Command, { perform, signIn, integer }: CommandTools): void {
  const pods = program.command("pods").description(
    "the pods and what they run on; a pod is its name, id or part of it",
  );
  const one = (name: string, about: string) => signIn(pods.command(name).argument("<pod>").description(about));
  /** With `--pod` it is named there. */
  const direct = (name: string, about: string) => signIn(pods.command(name).argument("[pod]").description(about));
  pageOptions(signIn(pods.command("ls").description("every pod with its state")), integer)
    .action((flags) => perform(flags, (context) => listPods(context, flags)));
  direct("get", "one pod, whole").action((pod, flags) => perform(flags, (context) => getPod(context, pod, flags)));
  direct("logs", "the last lines of its ComfyUI")
    .option("-n, --lines <n>", "so many lines back", integer(0, MAX_LINES), 200)
    .option("-f, --follow", "go on with what comes")
    .action((pod, flags) => perform(flags, (context) => podLogs(context, pod, flags)));
  one("cordon", "give it no new work").option("--reason <text>", "why, for others to read")
    .action((pod, flags) => perform(flags, (context) => cordonPod(context, pod, flags)));
  one("uncordon", "give it work again, also after a drain")
    .action((pod, flags) => perform(flags, (context) => uncordonPod(context, pod, flags)));
  one("drain", "give it no new work, and let what runs end")
    .option("--reason <text>", "why, for others to read")
    .option("--wait", "return when it is empty")
    .option("--timeout <seconds>", "how long --wait waits", integer(1, 86_400), 3_600)
    .action((pod, flags) => perform(flags, (context) => drainPod(context, pod, flags)));
  direct("restart", "start its ComfyUI anew")
    .option("--force", "also while a run is on: it is lost, and its job queued again")
    .option("--reason <text>", "why, for the pod's condition")
    .action((pod, flags) => perform(flags, (context) => restartPod(context, pod, flags)));
  direct("free", "ask its ComfyUI to unload models and caches")
    .action((pod, flags) => perform(flags, (context) => freePod(context, pod, flags)));
  signIn(pods.command("enroll").description("make keys for new pods, and print the command that starts each"))
    .option("--count <n>", "how many pods", integer(1, MAX_ENROLLED), 1)
    .option(
      "--ttl <time>",
      "how long they have for joining: 90s, 15m, 2h (default: 15m)",
      spanOfTime("60s", "24h"),
      900_000,
    )
    .option("--dev", "pods for development: no jobs, but their ComfyUI and Jupyter may be opened")
    .action((flags) => perform(flags, (context) => enrollPods(context, flags)));
  one("remove", "take it off the tailnet and out of the fleet")
    .option("--force", "also while it has runs: they are lost, and their jobs queued again")
    .option("--reason <text>", "why, for the audit")
    .action((pod, flags) => perform(flags, (context) => removePod(context, pod, flags)));
}

function addTailnet(program: Command, { perform, signIn, integer }: CommandTools): void {
  const tailnet = program.command("tailnet").description("the private network between the edge and its pods");
  signIn(tailnet.command("status").description("the edge's node, the control server, and the way to each pod"))
    .action((flags) => perform(flags, (context) => tailnetStatus(context, flags)));
  signIn(tailnet.command("check").description("try from edge and pods what the policy must keep closed"))
    .action((flags) => perform(flags, (context) => tailnetCheck(context, flags)));
  tailnet.command("join").description("have a tailscaled that runs already join as the edge's node; needs no edge")
    .option("--socket <path>", "its LocalAPI socket (TS_SOCKET)")
    .option("--ts-auth-key <file:path>", "key of tag:edge with which it joins, once (TS_AUTHKEY)")
    .option("--timeout <seconds>", "how long it may take", integer(1, 86_400), 60)
    .option("--json", "print one JSON envelope")
    .action((flags) => perform(flags, (context) => joinTailnet(context, flags)));
}

function addAgent(program: Command, { perform }: CommandTools): void {
  const agent = program.command("agent").description("the agent of this machine, which makes a pod of it");
  const one = (name: string, about: string) =>
    agent.command(name).description(about)
      .option("--state <dir>", "the agent's state directory (AGENT_STATE_DIR, else .comfyfleet/agent)")
      .option("--json", "print one JSON envelope");
  one("start", "run it in the foreground; its settings are environment variables (docs/configuration.md)")
    .option("--comfyui <where>", "ComfyUI's folder, the URL of a running one, or 'fake' (COMFYUI_DIR, COMFYUI_URL)")
    .action((flags) => perform(flags, (context) => startAgent(context, flags)));
  one("health", "whether it takes jobs now: exit code 0 or 1")
    .action((flags) => perform(flags, (context) => agentHealth(context, flags)));
  one("doctor", "check ComfyUI and the tailnet as this pod sees them, and say what to do")
    .action((flags) => perform(flags, (context) => agentDoctor(context, flags)));
}

function addKeys(program: Command, { perform, signIn, integer, collect }: CommandTools): void {
  const keys = program.command("keys").description("API keys (needs one with the scope 'admin')");
  signIn(keys.command("create").description("make a key and show it, once"))
    .option("--name <name>", "what it is for")
    .option("--tenant <id>", "whose it is (default: yours)")
    .option("--scope <scope>", "what it may do (repeatable; default: a tenant's five scopes)", collect)
    .action((flags) => perform(flags, (context) => createKey(context, flags)));
  pageOptions(signIn(keys.command("ls").description("newest first, without their secrets")), integer)
    .action((flags) => perform(flags, (context) => listKeys(context, flags)));
  signIn(keys.command("revoke").argument("<key>", "its id, or the whole key").description("end a key for good"))
    .action((key, flags) => perform(flags, (context) => revokeKey(context, key, flags)));
}

export function addOperatorCommands(program: Command, tools: CommandTools): void {
  addPods(program, tools);
  addKeys(program, tools);
  addAgent(program, tools);
  addTailnet(program, tools);
  tools.signIn(program.command("doctor").description("check this machine, the edge and every pod, and say what to do"))
    .option("--data <dir>", "folder of a fleet on this machine", DEFAULT_DATA_DIR)
    .action((flags) => tools.perform(flags, (context) => doctor(context, flags)));
}
