/** What is said to a client whose request is no HTTP that a route could be found for; Node's server asks before any of ours runs. */
import { FleetError } from "../errors.ts";

/** `invalid`: no HTTP, no host, or a path with a backslash. `slow`: the head took too long. `long`: over the head's limit. */
type Malformation = "invalid" | "slow" | "long";

const ANSWERS = {
  invalid: {
    status: 400,
    statusText: "Bad Request",
    error: new FleetError("invalid_input", "Cannot read the request: it is malformed HTTP", {
      hint: "Check the request line and the Host header.",
    }),
  },
  slow: {
    status: 408,
    statusText: "Request Timeout",
    error: new FleetError("timeout", "Cannot wait for the request any longer: its head did not come", {
      hint: "Send it again, all of it at once.",
    }),
  },
  long: {
    status: 431,
    statusText: "Request Header Fields Too Large",
    error: new FleetError("payload_too_large", "Cannot read the request: its path or headers are too long", {
      hint: "Send long inputs in the body, with POST.",
    }),
  },
} as const;

function answerTo(kind: Malformation) {
  const { status, statusText, error } = ANSWERS[kind];
  const requestId = crypto.randomUUID();
  const headers = { "content-type": "application/json", "cache-control": "no-store", "x-request-id": requestId };
  return { status, statusText, headers, body: JSON.stringify({ error: error.toEnvelope(requestId) }) };
}

/** Codes of what Node's parser says about a connection. */
function malformationOf(code: string | undefined): Malformation {
  if (code === "HPE_HEADER_OVERFLOW") return "long";
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? "slow" : "invalid";
}

/** For a request of which no `Request` can be made. */
export function refuseMalformed(): Response {
  const { body, ...init } = answerTo("invalid");
  return new Response(body, init);
}

/** What is needed of a connection of Node's. */
export interface ClosableSocket {
  writable: boolean;
  end(text: string, done: () => void): unknown;
  destroy(): unknown;
}

/** For a connection whose bytes are no HTTP, or whose head is too long or too slow: answers and closes it. */
export function closeMalformed(error: { code?: string | undefined }, socket: ClosableSocket): void {
  if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const { status, statusText, headers, body } = answerTo(malformationOf(error.code));
  const lines = Object.entries({ ...headers, "content-length": String(body.length), connection: "close" });
  const head = `HTTP/1.1 ${status} ${statusText}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}`;
  socket.end(`${head}\r\n${body}`, () => socket.destroy());
}
