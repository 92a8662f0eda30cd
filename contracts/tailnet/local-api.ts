/**
 * tailscaled's LocalAPI over its unix socket: the calls that edge, agent and CLI make. It does no I/O of its own: `request`
 * is `node:http`'s, which serves Node and Deno alike. Every call takes a signal, because the daemon answers some of them
 * only when somebody far away has.
 */
import type { z } from "zod";
import { FleetError } from "../errors.ts";
import type { HttpAnswer, HttpCall, HttpRequest, RawSocket } from "./http-port.ts";
import { readJsonLines } from "./json-lines.ts";
import { BusLine, DaemonStatus, PingResult, Whois } from "./local-api-schemas.ts";
import { UPDATE_TAILSCALED } from "./version.ts";

/** @template Socket what `request` makes of an upgraded connection: a `Duplex` */
export interface LocalApi<Socket extends RawSocket> {
  status(options: { peers: boolean }, signal: AbortSignal): Promise<DaemonStatus>;
  /** @param address `IP:PORT` of the far end of an accepted connection. Null: nobody on the tailnet. */
  whois(address: string, signal: AbortSignal): Promise<Whois | null>;
  /** The bus, from a whole picture on; ends with the daemon, rejects at the signal and at what cannot be read. */
  watchBus(signal: AbortSignal): AsyncIterable<BusLine>;
  /** Disco ping; never answers when the packet is lost, so the signal must end it. */
  ping(ip: string, signal: AbortSignal): Promise<PingResult>;
  /** Sets preferences and, with `AuthKey`, how to log in. {@link LocalApi.login} must follow. */
  start(options: StartOptions, signal: AbortSignal): Promise<void>;
  login(signal: AbortSignal): Promise<void>;
  /** Takes the node off the tailnet, and forgets it. */
  logout(signal: AbortSignal): Promise<void>;
  /**
   * A TCP connection over the tailnet. Fails closed: an address that is no peer's is refused and never dialled otherwise.
   * A flow that the policy denies is dropped in silence, so the signal must end it. No half-close.
   * @throws FleetError `agent_unreachable` with `details.sent = false` and, as `details.why`, a {@link NotDialled}
   */
  dial(to: { host: string; port: number }, signal: AbortSignal): Promise<Socket>;
}

/**
 * Why a dial came to nothing. `refused`: the far end said so, thus the policy lets packets through. `silent`: no answer
 * until the signal, as when the policy drops them.
 */
export type NotDialled = "no_peer" | "refused" | "silent" | "daemon";

export interface StartOptions {
  AuthKey?: string;
  UpdatePrefs: { ControlURL?: string; WantRunning: boolean; Hostname?: string; CorpDNS: boolean };
}

/** The daemon refuses any other. */
const HOST = "local-tailscaled.sock";
/** InitialState 2, PeerChanges 4096, NoNetMap 8192, InitialStatus 16384. */
const BUS_MASK = 28_674;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

interface Call {
  method?: "GET" | "POST";
  path: string;
  body?: string;
  headers?: Record<string, string>;
  signal: AbortSignal;
}

function unavailable(cause: unknown): FleetError {
  return new FleetError("tailnet_unavailable", "Cannot ask tailscaled: its socket does not answer", {
    hint: "Check that tailscaled runs, and that TS_SOCKET names its socket.",
    cause,
  });
}

function refused(path: string, status: number, text: string): FleetError {
  const name = path.split("?", 1)[0];
  return new FleetError("tailnet_unavailable", `Cannot ask tailscaled for '${name}': HTTP ${status} ${text.trim()}`, {
    hint: status === 403 ? "Run as the user that runs tailscaled, or as its operator." : undefined,
    details: { status },
  });
}

async function textOf(response: HttpAnswer): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_BYTES) throw refused("", 200, "the answer is too large");
  }
  return text + decoder.decode();
}

export function createLocalApi<Socket extends RawSocket>(
  { request, socketPath }: { request: HttpRequest<Socket>; socketPath: string },
): LocalApi<Socket> {
  function send({ method = "GET", path, body, headers = {}, signal }: Call): HttpCall<Socket> {
    const length: Record<string, string> = body === undefined
      ? {}
      : { "content-length": String(new TextEncoder().encode(body).byteLength) };
    const sent = request({
      socketPath,
      method,
      path: `/localapi/v0/${path}`,
      headers: { host: HOST, ...length, ...headers },
      agent: false,
      signal,
    });
    sent.end(body);
    return sent;
  }

  function answer(call: Call): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      send(call).once("response", resolve).once("error", (error: unknown) => {
        reject(call.signal.aborted ? call.signal.reason : unavailable(error));
      });
    });
  }

  async function ask(call: Call): Promise<{ status: number; text: string }> {
    const response = await answer(call);
    try {
      const status = response.statusCode ?? 0;
      return { status, text: await textOf(response) };
    } catch (error) {
      call.signal.throwIfAborted();
      throw FleetError.is(error) ? error : unavailable(error);
    }
  }

  async function json<T>(call: Call, schema: z.ZodType<T>): Promise<T> {
    const { status, text } = await ask(call);
    if (status !== 200) throw refused(call.path, status, text);
    try {
      return schema.parse(JSON.parse(text));
    } catch (cause) {
      throw new FleetError("tailnet_unavailable", "Cannot read what tailscaled says", {
        hint: UPDATE_TAILSCALED,
        cause,
      });
    }
  }

  async function order(call: Call): Promise<void> {
    const { status, text } = await ask({ ...call, method: "POST" });
    if (status !== 200 && status !== 204) throw refused(call.path, status, text);
  }

  return {
    status: ({ peers }, signal) => json({ path: `status?peers=${peers}`, signal }, DaemonStatus),
    async whois(address, signal) {
      const call = { path: `whois?proto=tcp&addr=${encodeURIComponent(address)}`, signal };
      const { status, text } = await ask(call);
      if (status === 404) return null;
      if (status !== 200) throw refused(call.path, status, text);
      return Whois.parse(JSON.parse(text));
    },
    async *watchBus(signal) {
      const path = `watch-ipn-bus?mask=${BUS_MASK}`;
      const response = await answer({ path, signal });
      if (response.statusCode !== 200) throw refused(path, response.statusCode ?? 0, await textOf(response));
      try {
        for await (const line of readJsonLines(response)) yield BusLine.parse(line);
      } finally {
        response.destroy();
      }
    },
    ping: (ip, signal) => json({ method: "POST", path: `ping?ip=${ip}&type=disco`, signal }, PingResult),
    start: (options, signal) => order({ path: "start", body: JSON.stringify(options), signal }),
    login: (signal) => order({ path: "login-interactive", signal }),
    logout: (signal) => order({ path: "logout", signal }),
    dial({ host, port }, signal) {
      const headers = {
        ...{ connection: "upgrade", upgrade: "ts-dial" },
        ...{ "dial-host": host, "dial-port": String(port), "dial-network": "tcp" },
      };
      return new Promise((resolve, reject) => {
        const sent = send({ method: "POST", path: "dial", headers, signal });
        sent.once("upgrade", (_response, socket, head) => {
          if (head.byteLength > 0) socket.unshift(head);
          resolve(socket);
        });
        sent.once("response", (response) => {
          response.resume();
          reject(
            response.headers["dial-self"] === "true"
              ? notDialled("no_peer", "it is no peer")
              : notDialled("refused", `HTTP ${response.statusCode}`),
          );
        });
        sent.once("error", (error: unknown) => {
          if (signal.aborted) reject(notDialled("silent", "no answer in time", signal.reason));
          else reject(notDialled("daemon", "tailscaled does not answer", error));
        });
      });
    },
  };
}

function notDialled(why: NotDialled, words: string, cause?: unknown): FleetError {
  return new FleetError("agent_unreachable", `Cannot reach the agent over the tailnet: ${words}`, {
    hint: "Check the pod and the tailnet's policy: 'comfyfleet tailnet check' says what is wrong.",
    details: { sent: false, why },
    cause,
  });
}
