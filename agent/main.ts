/** Entry point of the agent, on Node 24. */
import { existsSync, readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { finished } from "node:stream";
import { FleetError } from "../contracts/errors.ts";
import { redactAuthKeys } from "../contracts/tailnet/redact.ts";
import { PartnerKeys } from "./attempts/partner-keys.ts";
import { composeAgent } from "./compose.ts";
import { ConfigError, parseConfig } from "./config.ts";
import { createLogger } from "./telemetry/logtape.ts";

const partnerKeys = new PartnerKeys();

function writeLine(line: string): void {
  process.stderr.write(`${redactAuthKeys(partnerKeys.redactJson(line))}\n`);
}

async function main(): Promise<void> {
  const config = parseConfig(process.env, (path) => readFileSync(path, "utf8"), existsSync);
  const { logger, flush } = await createLogger({ level: config.LOG_LEVEL, writeLine }, "agent");
  process.once("exit", flush);
  const host = {
    env: process.env,
    signalProcess: (pid: number, signal: "SIGINT" | "SIGKILL") => void process.kill(pid, signal),
    // Outside of a container the constraint is none, or a number beyond all memory.
    memoryBytes: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
  };
  let signals = 0;
  const onFatal = (error: unknown) => {
    logger.error("agent ends: its journal cannot be written; ComfyUI goes on for the next agent", {
      error,
      hint: "Look at the free space and the permissions of AGENT_STATE_DIR, then start the agent again.",
    });
    process.exit(1);
  };
  const starting = composeAgent(config, { host, logger, partnerKeys, onFatal });
  // The ComfyUI that is left running has handles in this process that would keep it alive.
  const stop = () => starting.then((agent) => agent.stop()).then(() => process.exit(0), () => process.exit(1));
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(1);
      logger.info("agent stopping", { signal, onStop: config.AGENT_ON_STOP });
      void stop();
    });
  }
  if (config.AGENT_STOP_WITH_PARENT) {
    finished(process.stdin.resume(), { writable: false }, () => {
      logger.info("agent stopping", { reason: "its parent has ended", onStop: config.AGENT_ON_STOP });
      void stop();
    });
  }
  await starting;
}

try {
  await main();
} catch (error) {
  const known = error instanceof ConfigError || FleetError.is(error);
  const hint = FleetError.is(error) && error.hint !== undefined ? `\n  ${error.hint}` : "";
  writeLine(known ? `${error.message}${hint}` : `Cannot start the agent: ${String(error)}`);
  process.exit(1);
}
