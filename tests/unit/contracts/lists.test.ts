import { describe, expect, it } from "vitest";
import { z } from "zod";
import { edgeRouter } from "../../../contracts/edge/router.ts";
import { MAX_PAGE } from "../../../contracts/page.ts";

const Schema = z.custom<z.ZodType>((value) => value instanceof z.ZodType);
const Procedure = z.custom<{ _def: { inputs: unknown[]; output: unknown } }>((value) => typeof value === "function");

const procedures = Object.entries(z.record(z.string(), Procedure).parse(edgeRouter._def.procedures))
  .map(([path, { _def: def }]) => ({ path, def }));

/** Whether a procedure's answer is an array, or has one named `items`. */
function isList(output: unknown): boolean {
  const parsed = Schema.safeParse(output);
  if (!parsed.success) return false;
  return parsed.data instanceof z.ZodArray || (parsed.data instanceof z.ZodObject && "items" in parsed.data.shape);
}

const lists = procedures.filter(({ path, def }) => path.endsWith(".list") || isList(def.output));

describe("every procedure that answers with a list", () => {
  it("is there for jobs, assets, pods, services and keys", () => {
    expect(lists.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["jobs.list", "assets.list", "pods.list", "services.list", "keys.list"]),
    );
  });

  it.each(lists)("$path takes a cursor and gives a page of at most 100", ({ def }) => {
    const input = Schema.parse(def.inputs[0]);
    expect(input.parse({})).toMatchObject({ limit: 50 });
    expect(input.parse({ limit: MAX_PAGE, cursor: "x" })).toMatchObject({ limit: 100, cursor: "x" });
    for (const limit of [0, MAX_PAGE + 1, 1.5]) expect(input.safeParse({ limit }).success, `${limit}`).toBe(false);
    const output = z.toJSONSchema(Schema.parse(def.output), { io: "input", unrepresentable: "any" });
    expect(output).toMatchObject({ properties: { items: { maxItems: MAX_PAGE } } });
    expect(output.required).toEqual(expect.arrayContaining(["items", "nextCursor"]));
  });
});
