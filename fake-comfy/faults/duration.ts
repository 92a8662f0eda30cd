/** Durations in the arguments of faults: `1500ms` or `1500`. */

/** Milliseconds, or null when the text is none. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})(ms)?$/.exec(text);
  return match === null ? null : Number(match[1]);
}

/** Refuses an argument that is there and no duration. */
export function refusesDuration(argument: string | null): string | null {
  return argument === null || parseDuration(argument) !== null ? null : `"${argument}" is no duration: use Nms`;
}

/** The argument's duration, or the default without one. */
export function durationOf(argument: string | null, defaultMs: number): number {
  return (argument === null ? null : parseDuration(argument)) ?? defaultMs;
}
