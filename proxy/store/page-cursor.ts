/** Cursors of lists: the place of the last row seen, encoded so that nobody reads or builds one. */
import { FleetError } from "../../contracts/errors.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";

/** A row's place in its list. Rows made in the same millisecond are told apart by id. */
export interface Place {
  createdAtMs: number;
  id: string;
}

/** Before every row of a list that runs newest first, and after every row of one that runs oldest first. */
const NEWEST: Place = { createdAtMs: Number.MAX_SAFE_INTEGER, id: "~" };
export const OLDEST: Place = { createdAtMs: 0, id: "" };

const PLACE = /^(\d{1,16}) (\w{1,60})$/;

function decode(cursor: string): Place {
  let text = "";
  try {
    text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    // Falls through to the typed error.
  }
  const [, createdAtMs, id] = PLACE.exec(text) ?? [];
  if (createdAtMs === undefined || id === undefined) {
    throw new FleetError("invalid_input", "Cannot read this page: the cursor is none of ours", {
      hint: "Pass the nextCursor of the page before, unchanged, or none for the first page.",
    });
  }
  return { createdAtMs: Number(createdAtMs), id };
}

/** Where the page begins: after this place. @throws FleetError `invalid_input` for a cursor that is none of ours. */
export function pageStart(page: PageRequest, order: "newest_first" | "oldest_first"): Place {
  if (page.cursor === null || page.cursor === undefined) return order === "newest_first" ? NEWEST : OLDEST;
  return decode(page.cursor);
}

/** The cursor of the page that begins after this place. */
export function cursorAt({ createdAtMs, id }: Place): string {
  return btoa(`${createdAtMs} ${id}`).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Makes the page from one row more than it holds; that row only says whether there is a next page. */
export function pageOfRows<T>(rows: readonly T[], limit: number, placeOf: (row: T) => Place): Page<T> {
  const items = rows.slice(0, limit);
  const last = items[items.length - 1];
  if (rows.length <= limit || last === undefined) return { items, nextCursor: null };
  return { items, nextCursor: cursorAt(placeOf(last)) };
}
