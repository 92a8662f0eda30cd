/** An agent's whole HTTP surface behind the gate, on a real port, with services that only count what reaches them. */
import { request } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { AgentContext } from "../../../../contracts/agent/ports.ts";
import { createLocalApi } from "../../../../contracts/tailnet/local-api.ts";
import { DEFAULT_CAPABILITY } from "../../../../contracts/tailnet/words.ts";
import { systemClock } from "../../../../agent/comfy/clock.ts";
import { accessByRole } from "../../../../agent/http/access.ts";
import { type AppOptions, createApp } from "../../../../agent/http/app.ts";
import { listenTcp } from "../../../../agent/http/listen.ts";
import { Callers, type CallerTiming } from "../../../../agent/tailnet/callers.ts";
import { connectAs, type FakeIdentity, startFakeLocalApi } from "../../../support/tailnet/fake-local-api.ts";
import { recordingLogger } from "../../../support/tailnet/recording-logger.ts";

/** Every method of a service: noted, and then it fails; streams say one word and stay open. */
function counting(executed: string[], service: string): object {
  return new Proxy({}, {
    get: (_target, name) => (...args: unknown[]) => {
      executed.push(`${service}.${String(name)}`);
      const signal = args.find((arg) => arg instanceof AbortSignal);
      if (signal === undefined) throw new Error("executed");
      return openStream(signal);
    },
  });
}

async function* openStream(signal: AbortSignal): AsyncGenerator<unknown> {
  yield { type: "tick" };
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

export async function startGatedAgent(timing: Partial<CallerTiming> = {}) {
  const fake = await startFakeLocalApi();
  const executed: string[] = [];
  const logger = recordingLogger();
  const callers = new Callers({
    api: createLocalApi<Duplex>({ request, socketPath: fake.socketPath }),
    clock: systemClock,
    capability: DEFAULT_CAPABILITY,
    logger,
    timing,
  });
  const service = (name: string) => counting(executed, name);
  const app = createApp({
    access: accessByRole((socket) => callers.current(socket)),
    pod: service("pod") as AgentContext["pod"],
    attempts: service("attempts") as AgentContext["attempts"],
    gpu: service("gpu") as AgentContext["gpu"],
    operator: service("comfy") as AgentContext["comfy"],
    tailnet: service("tailnet") as AgentContext["tailnet"],
    inputs: service("inputs") as AppOptions["inputs"],
    workspace: service("workspace") as AppOptions["workspace"],
    comfy: service("objectInfo") as AppOptions["comfy"],
    metrics() {
      executed.push("metrics");
      return Promise.resolve("metric 1\n");
    },
    maxInputBytes: 1_000_000,
    maxCallBytes: 1_000_000,
    clock: systemClock,
    logger,
  });
  const listener = await listenTcp(app, { host: "127.0.0.1", port: 0 }, callers);
  const port = Number(new URL(listener.address).port);
  return {
    ...{ fake, executed, logger, port, callers },
    /** One raw request on a connection of its own, by a caller whom whois knows as `who`. */
    async ask(text: string, who: FakeIdentity | null | "hang" | "fail"): Promise<string> {
      const socket = await connectAs(fake, { port, who: () => who });
      socket.write(text);
      return await allOf(socket);
    },
    async [Symbol.asyncDispose]() {
      await listener.stop(100);
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** What a connection says until it ends, until a whole answer with a length has come, or the first word of a stream. */
export function allOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const done = () => {
      resolve(text);
      socket.destroy();
    };
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const [head = "", body] = text.split("\r\n\r\n", 2);
      if (/transfer-encoding: chunked/i.test(head) && body !== undefined && body !== "") return done();
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      if (body !== undefined && length !== undefined && Buffer.byteLength(body) >= Number(length)) done();
    });
    socket.on("error", done).on("close", done);
  });
}

export function head(method: string, path: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ host: "agent", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
