/** A headless Chromium with a profile of its own, and what its pages ask the network for. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { until } from "../fleet/until.ts";
import { connectDevTools, type DevToolsEvent } from "./devtools.ts";
import { findChromium, INSTALL_CHROMIUM } from "./find-chromium.ts";

/** One request that a page made. */
export interface PageRequest {
  url: string;
  method: string;
  /** Chromium's word for who asked: `Fetch`, `EventSource`, `Script`, `Preflight`… */
  type: string;
  headers: Record<string, string>;
  /** How it ended; null while it is open. */
  end: "finished" | "canceled" | "failed" | null;
}

export interface BrowserPage {
  readonly requests: PageRequest[];
  /**
   * Runs the function in the page, with `argument` as JSON, and returns what it resolves with, as JSON.
   * It sees nothing of the file it stands in. @throws Error with what it threw
   */
  run<A, R>(task: (argument: A) => Promise<R>, argument: A): Promise<R>;
}

export interface Browser extends AsyncDisposable {
  readonly version: string;
  /** Opens the URL in a new page and waits until its module has run: until it sets `globalThis.loaded`. */
  open(url: string): Promise<BrowserPage>;
}

const Sent = z.object({
  requestId: z.string(),
  type: z.string().default("Other"),
  request: z.object({ url: z.string(), method: z.string(), headers: z.record(z.string(), z.string()) }),
});
const Ended = z.object({ requestId: z.string(), canceled: z.boolean().default(false) });
const Evaluated = z.object({
  result: z.object({ value: z.unknown().optional() }),
  exceptionDetails: z.object({
    text: z.string(),
    exception: z.object({ description: z.string().optional() }).optional(),
  }).optional(),
});

/** Takes down what a page asks for, in order. */
function recordRequests(requests: PageRequest[]): (event: DevToolsEvent) => void {
  const open = new Map<string, PageRequest>();
  return ({ method, params }) => {
    if (method === "Network.requestWillBeSent") {
      const { requestId, type, request } = Sent.parse(params);
      const { url, headers } = request;
      const seen: PageRequest = { url, headers, method: request.method, type, end: null };
      open.set(requestId, seen);
      requests.push(seen);
      return;
    }
    if (method !== "Network.loadingFinished" && method !== "Network.loadingFailed") return;
    const { requestId, canceled } = Ended.parse(params);
    const seen = open.get(requestId);
    if (seen) seen.end = method === "Network.loadingFinished" ? "finished" : canceled ? "canceled" : "failed";
  };
}

export interface ChromiumOptions {
  /** Names that resolve to 127.0.0.1 in it and nowhere else. */
  hosts?: readonly string[];
}

export async function startChromium({ hosts = [] }: ChromiumOptions = {}): Promise<Browser> {
  const program = findChromium();
  if (program === null) throw new Error(`Cannot start Chromium: there is none; '${INSTALL_CHROMIUM}' installs one`);
  const profile = mkdtempSync(join(tmpdir(), "comfyfleet-chromium-"));
  const child = spawn(program, [
    "--headless=new",
    // Its sandbox cannot be made by root, who runs the tests in containers; the pages are ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
    `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(",")}`,
    "about:blank",
  ], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4_000)));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  const end = async () => {
    child.kill("SIGKILL");
    await gone;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    const url = await until("Chromium's port", () => {
      if (child.exitCode !== null) throw new Error(`Chromium ended with ${child.exitCode}: ${said}`);
      return /DevTools listening on (ws:\S+)/.exec(said)?.[1] ?? null;
    }, 60_000);
    const devTools = await connectDevTools(url);
    const { product } = z.object({ product: z.string() }).parse(await devTools.send("Browser.getVersion"));
    return {
      version: product,
      async open(address) {
        const { targetId } = z.object({ targetId: z.string() })
          .parse(await devTools.send("Target.createTarget", { url: "about:blank" }));
        const { sessionId } = z.object({ sessionId: z.string() })
          .parse(await devTools.send("Target.attachToTarget", { targetId, flatten: true }));
        const requests: PageRequest[] = [];
        const record = recordRequests(requests);
        devTools.onEvent((event) => {
          if (event.sessionId === sessionId) record(event);
        });
        const send = (method: string, params: object = {}) => devTools.send(method, params, sessionId);
        await send("Network.enable");
        await send("Page.enable");
        // Whoever needs the browser's own would fail from here on: it cannot send a key but in the URL.
        await send("Page.addScriptToEvaluateOnNewDocument", { source: "delete globalThis.EventSource;" });
        await send("Page.navigate", { url: address });
        const evaluate = async (expression: string) => {
          const answer = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
          const { result, exceptionDetails } = Evaluated.parse(answer);
          if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
          return result.value;
        };
        await until(`the module of ${address}`, async () => await evaluate("globalThis.loaded === true") || null);
        return {
          requests,
          async run<A, R>(task: (argument: A) => Promise<R>, argument: A) {
            return await evaluate(`(${task.toString()})(${JSON.stringify(argument)})`) as R;
          },
        };
      },
      async [Symbol.asyncDispose]() {
        devTools.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
