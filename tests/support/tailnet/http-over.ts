/** One HTTP request over a connection that is opened as the caller says: through a daemon, or on this machine. */
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { AGENT_PORT } from "../../../contracts/tailnet/words.ts";
import { type Daemon, soon } from "./daemon.ts";

/** Opens one connection. */
export type Open = () => Promise<Duplex>;

/** As the node `from`, to the agent at `to`. */
export function through(from: Daemon, to: { ip: string }, port: number = AGENT_PORT): Open {
  return () => from.api.dial({ host: to.ip, port }, soon());
}

/** A process of the pod itself. */
export const locally: Open = () =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: AGENT_PORT });
    socket.once("connect", () => resolve(socket)).once("error", reject);
  });

export interface HttpCall {
  method?: string;
  path: string;
  body?: string;
  headers?: Record<string, string>;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

const ANSWER_MS = 10_000;

/** The head of the answer, with its body still to come. */
export async function open(connection: Open, call: HttpCall): Promise<IncomingMessage> {
  const { method = "GET", path, body, headers = {} } = call;
  const socket = await connection();
  const agent = Object.assign(new Agent(), { createConnection: () => socket });
  return await new Promise((resolve, reject) => {
    const sent = request({
      ...{ method, path, agent, host: "agent", timeout: ANSWER_MS },
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    }, resolve);
    sent.once("timeout", () => sent.destroy(new Error(`no answer to ${method} ${path} in ${ANSWER_MS} ms`)));
    sent.once("error", reject);
    if (headers["content-length"] === undefined) sent.end(body);
    else sent.flushHeaders(); // a body that never comes
  });
}

export async function ask(connection: Open, call: HttpCall): Promise<HttpAnswer> {
  const response = await open(connection, call);
  let body = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) body += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}
