/** Request ids: the caller's when it is harmless, else a new one; echoed in the response, in errors and in the log. */
const HARMLESS = /^[\w.:-]{1,100}$/;

export const REQUEST_ID_HEADER = "x-request-id";

export function requestIdOf(request: Request): string {
  const given = request.headers.get(REQUEST_ID_HEADER);
  return given !== null && HARMLESS.test(given) ? given : crypto.randomUUID();
}
