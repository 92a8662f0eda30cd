/** Refuses what a foreign web page could make a browser send to a server on this machine. */

/** True when the request must be answered with 403. Clients that are no browsers send none of the headers. */
export function isForeign(header: (name: string) => string | undefined): boolean {
  if (header("sec-fetch-site") === "cross-site") return true;
  const host = header("host")?.toLowerCase();
  const origin = header("origin");
  if (host === undefined || origin === undefined) return false;
  const from = parse(origin);
  const here = parse(`http://${host}`);
  if (from === null || here === null || !isLoopback(here.hostname)) return false;
  if (from.port === "" || here.port === "") return from.hostname !== here.hostname;
  return from.host !== here.host;
}

function isLoopback(name: string): boolean {
  return name === "localhost" || name === "[::1]" || name.startsWith("127.");
}

function parse(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
