/** A replay as lines of text. */
import type { ComparedOutput, Replay } from "../replay/compare.ts";
import { duration } from "./job-lines.ts";

const WORDS: Readonly<Record<keyof Replay["receipt"], string>> = {
  pod: "pod",
  gpu: "GPU",
  comfyVersion: "ComfyUI",
  agentVersion: "agent",
  objectInfoSha256: "classes",
  graphSha256: "graph",
  serviceVersion: "service version",
  seed: "seed",
  cached: "from the cache",
  attempts: "attempts",
};

function verdict({ equal, outputs, state }: Replay): string {
  if (state.before !== "succeeded" || state.after !== "succeeded") {
    return `cannot be compared: the first job ${state.before}, this one ${state.after}`;
  }
  if (outputs.length === 0) return "equal: neither job saved anything";
  const same = outputs.filter((output) => output.equal).length;
  return `${equal ? "equal" : "different"}: ${same} of ${outputs.length} outputs have the same bytes`;
}

function outputLine({ name, nodeId, equal, before, after }: ComparedOutput): string {
  const short = (sha256: string | null) => sha256?.slice(0, 12) ?? "none";
  return `${name} (node ${nodeId})  ${
    equal ? `equal  ${short(after)}` : `differs  ${short(before)} → ${short(after)}`
  }`;
}

function shown(value: string | number | boolean | null): string {
  return /^[0-9a-f]{64}$/.test(String(value)) ? String(value).slice(0, 12) : String(value);
}

export function replayLines(replay: Replay): string {
  const facts = Object.entries(replay.receipt).map(([name, fact]) => ({
    word: WORDS[name as keyof typeof WORDS],
    ...fact,
  }));
  const { before, after } = replay.timing;
  const cached = replay.equal && replay.receipt.cached.after === true;
  const rows: [string, string | null][] = [
    ["job", `${replay.jobId}, which repeats ${replay.replayOf}`],
    ["result", verdict(replay)],
    ["note", cached ? "ComfyUI had it in its cache and rendered nothing: the bytes had to be equal" : null],
    ...facts.filter(({ equal }) => equal === false).map((fact): [string, string] => [
      "differs",
      `${fact.word}: ${shown(fact.before)} → ${shown(fact.after)}`,
    ]),
    ["same", facts.filter(({ equal }) => equal === true).map(({ word }) => word).join(", ") || null],
    ...facts.filter(({ equal, before, after }) => equal === null && before !== after).map((fact): [string, string] => [
      "unknown",
      `${fact.word}: ${
        fact.before === null
          ? `nobody knows of the first, now ${shown(fact.after)}`
          : `it was ${shown(fact.before)}, nobody knows now`
      }`,
    ]),
    ["took", before && after ? `${duration(after.totalMs)}, before ${duration(before.totalMs)}` : null],
    ...replay.outputs.map((output): [string, string] => ["output", outputLine(output)]),
  ];
  return rows.filter(([, value]) => value !== null).map(([name, value]) => `${name.padEnd(10)}${value}`).join("\n");
}
