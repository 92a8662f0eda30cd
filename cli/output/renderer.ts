/**
 * What the CLI prints: data on standard output, talk on standard error. With `--json` a command prints one envelope, a
 * watching one NDJSON whose last line is the envelope, however it ends; JSON comes only when it is asked for.
 */
import { type FleetError, toFleetError } from "../../contracts/errors.ts";
import { exitCodeOf } from "./exit-codes.ts";

/** Version of the envelope `{ schema, ok, data | error }`. */
const SCHEMA = "comfyfleet.cli/1";

export interface Terminal {
  stdout: { write(text: string): unknown; isTTY?: boolean };
  stderr: { write(text: string): unknown; isTTY?: boolean; columns?: number };
}

export interface Renderer {
  readonly json: boolean;
  /** The command's result: the envelope, or `pretty` as text. */
  result(data: unknown, pretty: string): void;
  /** One line of a watching command. */
  event(data: unknown, pretty: string | null): void;
  /** Prints a bare JSON line instead of the envelope, for a command whose last line has a shape of its own. */
  last(data: unknown): void;
  /** Talk for people; nothing with `--json`. */
  say(text: string): void;
  /** Prints what went wrong and what to do; returns the exit code. */
  failure(error: unknown): number;
}

function prettyFailure(error: FleetError): string {
  const lines = [`error: ${error.message}`];
  const nodeErrors = error.details?.nodeErrors;
  if (typeof nodeErrors === "object" && nodeErrors !== null) {
    for (const [nodeId, problems] of Object.entries(nodeErrors)) {
      for (const { field, reason } of problems as { field: string; reason: string }[]) {
        lines.push(`  node ${nodeId}, ${field}: ${reason}`);
      }
    }
  }
  if (error.hint) lines.push(`  ${error.hint}`);
  lines.push(`  (${error.code}${error.requestId ? `, request ${error.requestId}` : ""})`);
  return lines.join("\n");
}

export function createRenderer(terminal: Terminal, json: boolean): Renderer {
  let ended = false;
  const line = (data: unknown) => void terminal.stdout.write(`${JSON.stringify(data)}\n`);
  const last = (data: unknown) => {
    ended = true;
    line(data);
  };
  return {
    json,
    last,
    result(data, pretty) {
      if (json) last({ schema: SCHEMA, ok: true, data });
      else terminal.stdout.write(`${pretty}\n`);
    },
    event(data, pretty) {
      if (json) line(data);
      else if (pretty !== null) terminal.stdout.write(`${pretty}\n`);
    },
    say(text) {
      if (!json) terminal.stderr.write(`${text}\n`);
    },
    failure(error) {
      const known = toFleetError(error);
      // A script reads one envelope: what goes wrong after it is told to people.
      if (json && !ended) last({ schema: SCHEMA, ok: false, error: known.toEnvelope() });
      else terminal.stderr.write(`${prettyFailure(known)}\n`);
      if (known.code === "internal" && known.cause instanceof Error) {
        terminal.stderr.write(`  ${known.cause.message}\n`);
      }
      return exitCodeOf(known);
    },
  };
}
