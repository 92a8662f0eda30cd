/** Memory that is not given back: main memory for real, GPU memory in what `/system_stats` says. */
import type { Fault } from "./fault.ts";

const MIB = 1024 * 1024;
const SYNTAX = "N (MiB), or N:freeable";

function parse(argument: string | null): { sizeBytes: number; freeable: boolean } | null {
  const match = /^(\d{1,6})(:freeable)?$/.exec(argument ?? "");
  return match === null ? null : { sizeBytes: Number(match[1]) * MIB, freeable: match[2] !== undefined };
}

function leak(name: string, kind: "ram" | "vram"): Fault {
  const what = kind === "ram" ? "main memory" : "GPU memory";
  return {
    name,
    summary: `every prompt takes this much ${what} more, and only /free gives it back, if it is freeable; ` +
      `argument: ${SYNTAX}`,
    refuses: (argument) => parse(argument) === null ? `"${argument}" is no amount: use ${SYNTAX}` : null,
    runStarts({ argument, surface }) {
      const amount = parse(argument);
      if (amount !== null) surface.memory.take(kind, amount);
    },
  };
}

export const ramLeak: Fault = leak("ram-leak", "ram");
export const vramLeak: Fault = leak("vram-leak", "vram");
