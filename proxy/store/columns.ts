/** Column types that more than one table has: how SQL's few types become ours, and back. */
import { z } from "zod";
import { Priority } from "../../contracts/job.ts";

/** JSON kept as text, parsed by `schema`. */
export function jsonColumn<S extends z.ZodType>(schema: S) {
  return z.string().transform((text): unknown => JSON.parse(text)).pipe(schema);
}

/** Booleans are 0 and 1. */
export const BooleanColumn = z.int().transform((value) => value !== 0);

const BANDS = Priority.options;

/** Priorities are their band's number, so that an index can order them: 0 is served first. */
export const BandColumn = z.int().transform((band, context): Priority => {
  const priority = BANDS[band];
  if (priority !== undefined) return priority;
  context.addIssue({ code: "custom", message: `no priority band ${band}` });
  return z.NEVER;
});

export function bandOf(priority: Priority): number {
  return BANDS.indexOf(priority);
}
