/** Cursor pages: the only way a list leaves the edge. */
import { z } from "zod";

export const MAX_PAGE = 100;

/** `cursor` is opaque: what the previous page's `nextCursor` said. */
export const PageRequest = z.object({
  limit: z.int().min(1).max(MAX_PAGE).default(50),
  cursor: z.string().max(200).nullish(),
});
export type PageRequest = z.infer<typeof PageRequest>;

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item).max(MAX_PAGE), nextCursor: z.string().nullable() });
}

export interface Page<T> {
  items: T[];
  /** Null on the last page. Others may have fewer items than asked for, even none: what few match is looked for in parts. */
  nextCursor: string | null;
}
