/** The query of `GET /api/v2/jobs`: `metadata[KEY]=VALUE` at most three times, `limit`, `cursor`. */
import { FleetError } from "../../../contracts/errors.ts";
import { MAX_FILTER_PAIRS, metadataFilterProblem } from "../../../contracts/metadata.ts";
import { MAX_PAGE, PageRequest } from "../../../contracts/page.ts";
import { shorten } from "../../../contracts/shorten.ts";
import { wrongField } from "./errors.ts";

const DEFAULT_LIMIT = 50;
const FILTER = /^metadata\[([^[\]]*)\]$/;

export interface JobsQuery {
  metadata?: Record<string, string>;
  limit: number;
  cursor: string | null;
}

function badFilter(state: string): FleetError {
  return new FleetError("invalid_metadata_filter", `Cannot filter jobs: ${state}`, {
    hint: `Send 'metadata[KEY]=VALUE', each key once and at most ${MAX_FILTER_PAIRS} of them.`,
  });
}

/** Null for a parameter that is no filter. */
function filterKey(name: string): string | null {
  if (!name.startsWith("metadata")) return null;
  const key = FILTER.exec(name)?.[1];
  if (key === undefined) throw badFilter(`'${shorten(name)}' names no label`);
  return key;
}

function readLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_PAGE) return limit;
  throw wrongField(`Cannot list jobs: limit '${shorten(text)}' is not 1 to ${MAX_PAGE}`, {
    hint: "Send a whole number, or none.",
  });
}

export function invalidCursor(cause?: unknown): FleetError {
  return new FleetError("invalid_cursor", "Cannot list jobs: the cursor is none of ours", {
    hint: "Send next_cursor of the page before as it came, or begin without one.",
    cause,
  });
}

/** @throws FleetError `invalid_metadata_filter`, `invalid_cursor`, `invalid_input` */
export function readJobsQuery(params: URLSearchParams): JobsQuery {
  const filters = new Map<string, string>();
  const query: JobsQuery = { limit: DEFAULT_LIMIT, cursor: null };
  for (const [name, value] of params) {
    const key = filterKey(name);
    if (key !== null) {
      if (filters.has(key)) throw badFilter(`the label '${shorten(key)}' stands twice`);
      filters.set(key, value);
    } else if (name === "limit") {
      query.limit = readLimit(value);
    } else if (name === "cursor") {
      // Longer than any that we give out.
      if (!PageRequest.shape.cursor.safeParse(value).success) throw invalidCursor();
      query.cursor = value === "" ? null : value;
    } else {
      throw wrongField(`Cannot list jobs: '${shorten(name)}' is not understood`, {
        hint: "metadata[KEY], limit and cursor are.",
      });
    }
  }
  if (filters.size === 0) return query;
  const metadata = Object.fromEntries(filters);
  const problem = metadataFilterProblem(metadata);
  if (problem !== null) throw badFilter(problem);
  return { ...query, metadata };
}
