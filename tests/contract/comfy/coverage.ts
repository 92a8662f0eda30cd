// What the suite has asked and heard so far, so that the last cases can tell what nobody has tried.

const asked = new Set<string>();
const heard = new Set<string>();

/** Notes a request, with its path's query or without. */
export function noteRequest(method: string, path: string): void {
  asked.add(`${method} ${path.replace(/\?.*/, "")}`);
}

/** Notes a message from the socket: its type, or `binary N` with the number of a binary frame's event. */
export function noteMessage(name: string): void {
  heard.add(name);
}

/** Names of the messages that came, sorted. */
export function heardMessages(): string[] {
  return [...heard].toSorted();
}

/** Those of the routes (`METHOD /path/:parameter`) that no request was for. HEAD counts as GET. */
export function unasked(routes: readonly string[]): string[] {
  const patterns = routes.map((route) => ({ route, pattern: patternOf(route), parameters: route.split(":").length }));
  const reached = [...asked].map((request) =>
    patterns.filter(({ pattern }) => pattern.test(request.replace(/^HEAD /, "GET ")))
      .toSorted((one, other) => one.parameters - other.parameters)[0]?.route
  );
  return routes.filter((route) => !reached.includes(route));
}

function patternOf(route: string): RegExp {
  return new RegExp(`^${route.replaceAll(/:\w+/g, "[^/]+")}$`);
}
