/**
 * Ways to write a path so that a router reads it other than whoever allowed it. A route is given as what stands before
 * the last segment and that segment: `{ prefix: "/trpc", last: "jobs.list" }`, or the pass-through to a pod with a
 * procedure that is allowed there.
 */

export interface Route {
  /** Begins with a slash, ends without one. */
  prefix: string;
  last: string;
}

export interface PathTrick {
  name: string;
  /** As it stands in the request line: sent by {@link sendRaw}, since fetch would tidy it up. */
  path: (route: Route) => string;
}

/** A procedure that agents have and that no caller of a pass-through may reach. */
export const FORBIDDEN_PROCEDURE = "pod.beat";

const up = (prefix: string) => prefix.split("/").slice(1).map(() => "..").join("/");
const encoded = (text: string) =>
  Array.from(text, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");

export const PATH_TRICKS: readonly PathTrick[] = [
  { name: "a batch of two", path: ({ prefix, last }) => `${prefix}/${last},${last}?batch=1&input=%7B%7D` },
  {
    name: "a batch that hides a forbidden one",
    path: ({ prefix, last }) => `${prefix}/${last},${FORBIDDEN_PROCEDURE}`,
  },
  { name: "a batch with an encoded comma", path: ({ prefix, last }) => `${prefix}/${last}%2C${FORBIDDEN_PROCEDURE}` },
  { name: "a batch of one", path: ({ prefix, last }) => `${prefix}/${last}?batch=1&input=%7B%220%22%3A%7B%7D%7D` },
  { name: "an empty batch", path: ({ prefix }) => `${prefix}/,?batch=1` },
  { name: "a thousand commas", path: ({ prefix }) => `${prefix}/${",".repeat(1_000)}?batch=1` },
  { name: "dots to the parent", path: ({ prefix, last }) => `${prefix}/../${last}` },
  { name: "dots to the root", path: ({ prefix }) => `${prefix}/${up(prefix)}/healthz` },
  { name: "dots out and back", path: ({ prefix, last }) => `${prefix}/x/../${FORBIDDEN_PROCEDURE}/../${last}/../y` },
  { name: "encoded dots", path: ({ prefix, last }) => `${prefix}/%2e%2e/${last}` },
  { name: "encoded dots in capitals", path: ({ prefix }) => `${prefix}/%2E%2E/%2E%2E/healthz` },
  { name: "half encoded dots", path: ({ prefix, last }) => `${prefix}/.%2e/${last}` },
  { name: "dots encoded twice", path: ({ prefix, last }) => `${prefix}/%252e%252e/${last}` },
  { name: "an encoded slash", path: ({ prefix, last }) => `${prefix}/x%2f${last}` },
  { name: "an encoded slash to the parent", path: ({ prefix }) => `${prefix}/..%2f${FORBIDDEN_PROCEDURE}` },
  { name: "a slash encoded twice", path: ({ prefix }) => `${prefix}/..%252f${FORBIDDEN_PROCEDURE}` },
  { name: "an overlong slash", path: ({ prefix }) => `${prefix}/..%c0%af${FORBIDDEN_PROCEDURE}` },
  { name: "a backslash", path: ({ prefix }) => `${prefix}\\..\\${FORBIDDEN_PROCEDURE}` },
  { name: "an encoded backslash", path: ({ prefix }) => `${prefix}/..%5c${FORBIDDEN_PROCEDURE}` },
  { name: "a double slash", path: ({ prefix, last }) => `${prefix}//${last}` },
  { name: "a double slash before all", path: ({ prefix, last }) => `/${prefix}/${last}` },
  { name: "a host in the path", path: ({ prefix, last }) => `//evil.example.com${prefix}/${last}` },
  { name: "a trailing slash", path: ({ prefix, last }) => `${prefix}/${last}/` },
  { name: "a trailing dot", path: ({ prefix, last }) => `${prefix}/${last}/.` },
  { name: "a parameter", path: ({ prefix, last }) => `${prefix}/${last};x=/../${FORBIDDEN_PROCEDURE}` },
  { name: "a null byte", path: ({ prefix, last }) => `${prefix}/${last}%00` },
  { name: "a line feed", path: ({ prefix, last }) => `${prefix}/${last}%0d%0aX-Injected:%201` },
  { name: "a broken escape", path: ({ prefix, last }) => `${prefix}/${last}%zz%` },
  { name: "a lone continuation byte", path: ({ prefix, last }) => `${prefix}/${last}%80` },
  { name: "an encoded question mark", path: ({ prefix, last }) => `${prefix}/${last}%3Fbatch=1` },
  { name: "an encoded number sign", path: ({ prefix, last }) => `${prefix}/${last}%23/../${FORBIDDEN_PROCEDURE}` },
  { name: "a fragment", path: ({ prefix, last }) => `${prefix}/${last}#/../${FORBIDDEN_PROCEDURE}` },
  { name: "capitals", path: ({ prefix, last }) => `${prefix}/${last.toUpperCase()}` },
  { name: "every character encoded", path: ({ prefix, last }) => `${prefix}/${encoded(last)}` },
  { name: "every character of all encoded", path: ({ prefix, last }) => `/${encoded(`${prefix}/${last}`)}` },
  { name: "wide letters", path: ({ prefix }) => `${prefix}/%EF%BD%90od.beat` },
  { name: "a prototype", path: ({ prefix }) => `${prefix}/__proto__.constructor` },
  { name: "nothing", path: ({ prefix }) => `${prefix}/` },
  { name: "the prefix alone", path: ({ prefix }) => prefix },
  { name: "eight thousand characters", path: ({ prefix, last }) => `${prefix}/${last}${"a".repeat(8_000)}` },
  { name: "a thousand segments", path: ({ prefix, last }) => `${prefix}${"/a".repeat(1_000)}/${last}` },
  { name: "an absolute address", path: ({ prefix, last }) => `http://evil.example.com${prefix}/${last}` },
  { name: "another scheme", path: ({ prefix, last }) => `ftp://evil.example.com${prefix}/${last}` },
  { name: "an asterisk", path: () => "*" },
];
