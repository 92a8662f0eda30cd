import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../../contracts/errors.ts";
import { readJobsQuery } from "../../../../../proxy/http/v2/metadata-filter.ts";

const read = (query: string) => readJobsQuery(new URLSearchParams(query));
function codeOf(query: string): string {
  try {
    read(query);
  } catch (error) {
    if (FleetError.is(error)) return `${error.status} ${error.code}`;
    throw error;
  }
  return "taken";
}

describe("readJobsQuery", () => {
  it("reads labels, limit and cursor as the Python SDK writes them", () => {
    expect(read("metadata%5Bclient%5D=acme+%26+co&metadata%5Bbatch%5D=7&limit=100&cursor=abc")).toEqual({
      metadata: { client: "acme & co", batch: "7" },
      limit: 100,
      cursor: "abc",
    });
    expect(read("")).toEqual({ limit: 50, cursor: null });
    expect(read("cursor=")).toEqual({ limit: 50, cursor: null });
  });

  it.each([
    ["metadata[a]=1&metadata[b]=1&metadata[c]=1&metadata[d]=1", "422 invalid_metadata_filter"],
    ["metadata[a]=1&metadata[a]=2", "422 invalid_metadata_filter"],
    ["metadata=1", "422 invalid_metadata_filter"],
    ["metadata[]=1", "422 invalid_metadata_filter"],
    ["metadata[a][b]=1", "422 invalid_metadata_filter"],
    ["metadata[__proto__]=1", "422 invalid_metadata_filter"],
    [`metadata[${"k".repeat(41)}]=1`, "422 invalid_metadata_filter"],
    [`metadata[a]=${"v".repeat(257)}`, "422 invalid_metadata_filter"],
    ["metadata[a]=%00", "422 invalid_metadata_filter"],
    ["limit=0", "422 invalid_input"],
    ["limit=101", "422 invalid_input"],
    ["limit=1e1", "422 invalid_input"],
    ["limit=", "422 invalid_input"],
    ["status=queued", "422 invalid_input"],
    [`cursor=${"c".repeat(201)}`, "400 invalid_cursor"],
    ["metadata[a]=1&metadata[b]=&metadata[c]=ü", "taken"],
  ])("judges ?%s: %s", (query, outcome) => {
    expect(codeOf(query)).toBe(outcome);
  });
});
