/**
 * What a caller sent as procedure input: superjson's `{ json, meta }`, read without trusting `meta`. superjson itself
 * would build shared and cyclic objects, Maps, URLs and regular expressions from it, and walk long paths again and
 * again; our inputs are plain JSON plus `undefined` and the numbers that JSON lacks. `referentialEqualities` is
 * ignored: superjson writes full copies into `json`, so a client that uses one object twice loses nothing.
 */
import { FleetError } from "./errors.ts";
import { shorten } from "./shorten.ts";
import { isRecord } from "./workflow.ts";

const NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["-0", -0],
]);
const ARRAY_INDEX = /^(0|[1-9]\d{0,8})$/;

function malformed(state: string): FleetError {
  return new FleetError("invalid_input", `Cannot read the request: ${state}`, {
    hint: 'Send superjson-encoded JSON as the typed client does: { "json": input }, with plain JSON values.',
  });
}

/** A value by what holds it, so that it can be replaced. */
interface Place {
  holder: Record<string, unknown>;
  key: string;
}

/** superjson's paths: keys joined by dots; `\.` is a dot and, from version 1 on, `\\` a backslash. */
function pathKeys(path: string, version: number): string[] {
  const keys: string[] = [];
  let key = "";
  for (let at = 0; at < path.length; at++) {
    const next = path[at + 1];
    if (path[at] === "\\" && (next === "." || (next === "\\" && version >= 1))) {
      key += next;
      at++;
    } else if (path[at] === "\\" && version >= 1) {
      throw malformed(`meta holds the malformed path '${shorten(path)}'`);
    } else if (path[at] === ".") {
      keys.push(key);
      key = "";
    } else {
      key += path[at];
    }
  }
  return [...keys, key];
}

/** Only what `json` holds itself: never a prototype, never an array's length. */
function inside({ holder, key }: Place, child: string): Place {
  const value = holder[key];
  const isContainer = Array.isArray(value) ? ARRAY_INDEX.test(child) : isRecord(value);
  if (!isContainer || !Object.hasOwn(value as object, child)) {
    throw malformed(`meta names the key '${shorten(child)}', which json lacks`);
  }
  return { holder: value as Record<string, unknown>, key: child };
}

function annotate({ holder, key }: Place, annotation: readonly unknown[]): void {
  const [type, children] = annotation;
  if (type === "undefined" && children === undefined) {
    holder[key] = undefined;
    return;
  }
  const number = type === "number" && children === undefined ? NUMBERS.get(holder[key]) : undefined;
  if (number === undefined) {
    const named = typeof type === "string" ? type : "of its own";
    throw malformed(`its value at '${shorten(key)}' is annotated as '${shorten(named)}', which no input takes`);
  }
  holder[key] = number;
}

/** Linear in the size of `tree`: each key's path is walked once, from where its parent stands. */
function applyAnnotations(root: Place, tree: unknown, version: number): void {
  const todo: { place: Place; tree: unknown }[] = [{ place: root, tree }];
  for (let next = todo.pop(); next; next = todo.pop()) {
    if (Array.isArray(next.tree)) {
      annotate(next.place, next.tree);
    } else if (isRecord(next.tree)) {
      for (const [path, subtree] of Object.entries(next.tree)) {
        todo.push({ place: pathKeys(path, version).reduce(inside, next.place), tree: subtree });
      }
    } else {
      throw malformed("its meta.values is malformed");
    }
  }
}

/**
 * The input of one call, from the parsed body or query. What `envelope` holds is reused and changed.
 * @throws FleetError `invalid_input` when it is no superjson, or annotates values as anything but `undefined` and `number`
 */
export function deserializeInput(envelope: unknown): unknown {
  if (!isRecord(envelope)) throw malformed("its input is no object with the key 'json'");
  const meta = envelope.meta ?? {};
  if (!isRecord(meta)) throw malformed("its meta is no object");
  const version = meta.v ?? 0;
  if (typeof version !== "number") throw malformed("its meta.v is no number");
  const holder: Record<string, unknown> = { json: envelope.json };
  if (meta.values !== undefined && meta.values !== null) {
    applyAnnotations({ holder, key: "json" }, meta.values, version);
  }
  return holder.json;
}
