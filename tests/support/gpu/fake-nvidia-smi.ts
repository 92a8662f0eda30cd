/**
 * A stand-in for nvidia-smi, as a program: `node fake-nvidia-smi.ts SCENARIO.json ARGUMENTS…`. It reads its scenario anew
 * at every round, so that a test changes what it says while it runs. Answers `-L`, `--help-query-gpu` and
 * `--query-gpu=… --format=csv,noheader,nounits`, once or with `-lms N`.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Scenario } from "./scenario.ts";
import { cellOf, helpOf } from "./kinds.ts";

const [path = "", ...args] = process.argv.slice(2);

function scenario(): Scenario {
  return Scenario.parse(JSON.parse(readFileSync(path, "utf8")));
}

function print(text: string): void {
  if (text !== "") process.stdout.write(`${text}\n`);
}

function row(names: readonly string[], gpu: number): string {
  const { fields, gpus } = scenario();
  const cells = gpus[gpu] ?? {};
  return names.map((name) => cellOf({ fields }, cells, name)).join(", ");
}

async function round(names: readonly string[]): Promise<void> {
  const { end, gpus, lines } = scenario();
  if (end === "hang") return await new Promise(() => setInterval(() => {}, 60_000));
  if (end !== null) {
    print(end.stdout);
    if (end.stderr !== "") process.stderr.write(`${end.stderr}\n`);
    process.exit(end.code);
  }
  for (const line of lines) print(line);
  gpus.forEach((_cells, gpu) => print(row(names, gpu)));
}

async function main(): Promise<void> {
  appendFileSync(`${path}.runs`, `${JSON.stringify({ pid: process.pid, args })}\n`);
  const { fields, end } = scenario();
  if (args.includes("--help-query-gpu")) {
    if (end !== null && end !== "hang" && end.always) return await round([]);
    return print(helpOf({ fields }));
  }
  if (args.includes("-L")) {
    return scenario().gpus.forEach((cells, at) => print(`GPU ${at}: ${cells.name} (UUID: ${cells.uuid})`));
  }
  if (args.includes("-i")) {
    print("No devices were found");
    process.exit(6);
  }
  const names = (args.find((arg) => arg.startsWith("--query-gpu=")) ?? "").slice("--query-gpu=".length).split(",");
  const unknown = names.find((name) => !fields.some((heading) => heading.includes(`"${name}"`)));
  if (unknown !== undefined) {
    print(`Field "${unknown}" is not a valid field to query.`);
    process.exit(1);
  }
  if (!args.includes("-lms")) return await round(names);
  const intervalMs = Number(args[args.indexOf("-lms") + 1]);
  for (;;) {
    await round(names);
    await sleep(intervalMs);
  }
}

await main();
