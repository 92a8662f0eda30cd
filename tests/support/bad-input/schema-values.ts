/** Values that a schema takes, made from its JSON Schema, and values that it does not. */
import fc from "fast-check";
import { z } from "zod";

/** By the name of a field: values that lead somewhere, such as ids of what exists. */
export type Pools = Readonly<Record<string, fc.Arbitrary<unknown>>>;

interface Node {
  const?: unknown;
  enum?: unknown[];
  anyOf?: Node[];
  oneOf?: Node[];
  allOf?: Node[];
  type?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  items?: Node;
  maxItems?: number;
  minItems?: number;
  properties?: Record<string, Node>;
  required?: string[];
  additionalProperties?: Node | boolean;
}

const MAX_LENGTH = 300;

export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, "", 0, -1, 0.5, 2 ** 53, 1e308, "\0", "\ud800", "../../etc/passwd", "__proto__"),
  fc.constantFrom<unknown>([], {}, [[]], "x".repeat(5_000), "1", "NaN", "null", "' or 1=1 --", "${7*7}", "\r\nX: y"),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.double(),
  fc.integer(),
  fc.jsonValue({ maxDepth: 3 }),
  fc.integer({ min: 10, max: 3_000 }).map((depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth)) as unknown),
);

function strings({ pattern, minLength = 0, maxLength = MAX_LENGTH }: Node): fc.Arbitrary<unknown> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  const bounds = { minLength: Math.min(minLength, MAX_LENGTH), maxLength: Math.min(maxLength, MAX_LENGTH) };
  return fc.oneof(fc.string(bounds), fc.string({ ...bounds, unit: "binary" }));
}

function numbers(node: Node): fc.Arbitrary<unknown> {
  const min = node.minimum ?? node.exclusiveMinimum ?? -1e9;
  const max = node.maximum ?? node.exclusiveMaximum ?? 1e9;
  const [low, high] = [Math.max(min, -(2 ** 31)), Math.min(max, 2 ** 31 - 1)];
  const some = fc.integer({ min: Math.ceil(low), max: Math.floor(Math.max(low, high)) });
  return fc.oneof({ weight: 4, arbitrary: some }, { weight: 1, arbitrary: fc.constantFrom(min, max) });
}

function objects({ properties = {}, required = [], additionalProperties }: Node, pools: Pools): fc.Arbitrary<unknown> {
  const named = Object.entries(properties).map(([name, child]) => [name, pools[name] ?? ofNode(child, pools)] as const);
  const record = fc.record(Object.fromEntries(named), { requiredKeys: required.filter((name) => name in properties) });
  if (typeof additionalProperties !== "object") return record;
  const rest = fc.dictionary(fc.string({ maxLength: 20 }), ofNode(additionalProperties, pools), { maxKeys: 3 });
  return fc.tuple(record, rest).map(([some, more]) => ({ ...more, ...(some as object) }));
}

function ofNode(node: Node, pools: Pools): fc.Arbitrary<unknown> {
  if ("const" in node) return fc.constant(node.const);
  if (node.enum) return fc.constantFrom(...node.enum);
  const choices = node.anyOf ?? node.oneOf ?? node.allOf;
  if (choices) return fc.oneof(...choices.map((choice) => ofNode(choice, pools)));
  switch (node.type) {
    case "string":
      return strings(node);
    case "integer":
    case "number":
      return numbers(node);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array": {
      const bounds = { minLength: node.minItems ?? 0, maxLength: Math.min(node.maxItems ?? 5, 5) };
      return fc.array(ofNode(node.items ?? {}, pools), bounds);
    }
    case "object":
      return objects(node, pools);
    default:
      return junk;
  }
}

/** Mostly what the schema takes; refinements that JSON Schema cannot say are left to luck and to `pools`. */
export function valuesOf(schema: z.ZodType, pools: Pools): fc.Arbitrary<unknown> {
  return ofNode(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node, pools);
}

function replaceSomewhere(value: unknown, path: readonly number[], put: unknown): unknown {
  const [step = 0, ...rest] = path;
  if (path.length === 0 || typeof value !== "object" || value === null) return put;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return put;
  const changed = replaceSomewhere((value as Record<string, unknown>)[key], rest, put);
  if (Array.isArray(value)) return value.map((item: unknown, at) => String(at) === key ? changed : item);
  return { ...value, [key]: changed };
}

/** Values that are one step beside the schema: something replaced, missing, or more than it knows. */
export function beside(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const path = fc.array(fc.nat(20), { minLength: 1, maxLength: 6 });
  const asObject = (value: unknown) => typeof value === "object" && value !== null ? value : { value };
  return fc.oneof(
    fc.tuple(values, path, fc.oneof(junk, fc.constant(undefined)))
      .map(([value, steps, put]) => replaceSomewhere(value, steps, put)),
    fc.tuple(values, fc.oneof(fc.constantFrom("extra", "constructor", "__proto__"), fc.string()), junk)
      .map(([value, key, put]) => Object.fromEntries([...Object.entries(asObject(value)), [key, put]])),
    junk,
  );
}
