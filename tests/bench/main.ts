/** `npm run bench -- job|edge|v2|tailnet`: measures, prints one line a measurement, and says which goals are missed. */
import { benchEdgePart } from "./edge-part.ts";
import { type BenchFlags, parseFlags, USAGE } from "./flags.ts";
import { benchJobPart } from "./job-part.ts";
import { benchTailnetPart } from "./tailnet-part.ts";
import { benchV2Part } from "./v2-part.ts";
import { isMet, jsonLine, table } from "./measurement.ts";

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

let flags: BenchFlags | null = null;
try {
  flags = parseFlags(process.argv.slice(2));
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}
if (flags) {
  // A stop still ends the processes of the fleets.
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const run = { edge: benchEdgePart, job: benchJobPart, v2: benchV2Part, tailnet: benchTailnetPart }[flags.part];
  const measurements = await run(flags, stop.signal, say);
  process.stdout.write(
    flags.json ? measurements.map((one) => `${jsonLine(one)}\n`).join("") : `${table(measurements)}\n`,
  );
  const missed = measurements.filter((one) => !isMet(one)).length;
  say(missed === 0 ? "every goal is met" : `${missed} goals are missed`);
  if (flags.strict && missed > 0) process.exitCode = 1;
}
