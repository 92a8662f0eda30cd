/** When a fault strikes: `now`, `run` (a prompt starts), `node:ID` (that node starts) or `250ms` (that long into a run). */

/** A parsed moment. */
export type Moment =
  | { readonly kind: "now" }
  | { readonly kind: "run" }
  | { readonly kind: "node"; readonly nodeId: string }
  | { readonly kind: "after"; readonly delayMs: number };

/** How moments are written, for messages to people. */
export const MOMENT_SYNTAX = "now (default), run, node:ID or Nms";

/** The moment, or null when the text names none. No text means `now`. */
export function parseMoment(text: string | null): Moment | null {
  if (text === null || text === "now") return { kind: "now" };
  if (text === "run") return { kind: "run" };
  if (text.startsWith("node:") && text.length > "node:".length) {
    return { kind: "node", nodeId: text.slice("node:".length) };
  }
  const delay = /^(\d+)(ms)?$/.exec(text);
  return delay === null ? null : { kind: "after", delayMs: Number(delay[1]) };
}

/** Refuses what is not a moment. */
export function refusesMoment(text: string | null): string | null {
  return parseMoment(text) === null ? `"${text}" is not a moment: use ${MOMENT_SYNTAX}` : null;
}
