// A local HTTP server for the stand-ins of control servers: it records what it is asked, and fails when it is told to.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface ApiRequest {
  method: string;
  /** With its query. */
  path: string;
  authorization: string | undefined;
  contentType: string | undefined;
  accept: string | undefined;
  body: string;
}

export interface ApiAnswer {
  status: number;
  /** An object goes out as JSON, a string as it is. */
  body: unknown;
  headers?: Record<string, string>;
}

export interface ApiServer extends AsyncDisposable {
  url: string;
  requests: ApiRequest[];
  /** The next requests get these, in order, instead of an answer of the API's own; `cut` ends the connection. */
  failures: (ApiAnswer | "cut" | "silent")[];
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return body;
}

export async function serveApi(answer: (request: ApiRequest) => ApiAnswer): Promise<ApiServer> {
  const requests: ApiRequest[] = [];
  const failures: ApiServer["failures"] = [];
  const server = createServer((incoming, response) => {
    void bodyOf(incoming).then((body) => {
      const { authorization, accept, "content-type": contentType } = incoming.headers;
      const request = {
        method: incoming.method ?? "",
        path: incoming.url ?? "",
        authorization,
        contentType,
        accept,
        body,
      };
      requests.push(request);
      const failure = failures.shift();
      if (failure === "silent") return;
      if (failure === "cut") return void incoming.socket.destroy();
      const { status, body: content, headers } = failure ?? answer(request);
      const isText = typeof content === "string";
      response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...headers });
      response.end(isText ? content : JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    failures,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
