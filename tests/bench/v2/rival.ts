/** comfy-api-proxy 0.1.6 from PyPI in front of a ComfyUI of its own: the other server that the SDKs can be pointed at. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../support/fleet/free-port.ts";
import { killLeftovers } from "../../support/fleet/leftovers.ts";
import { manageProcess } from "../../support/fleet/process.ts";
import { until } from "../../support/fleet/until.ts";
import { ensureEnvironment } from "../../support/python/environment.ts";
import { ensureRealComfy } from "../../support/real-comfy/setup.ts";

const STAND_IN = fileURLToPath(new URL("../../../fake-comfy/main.ts", import.meta.url));

export interface Rival extends AsyncDisposable {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly comfyUrl: string;
}

/** The same flags that the agent gives its own ComfyUI, so that both run the same work. */
async function comfyCommand(real: boolean, dir: string, port: number): Promise<{ command: string[]; cwd?: string }> {
  const flags = [
    "--listen",
    "127.0.0.1",
    "--port",
    String(port),
    "--base-directory",
    dir,
    "--disable-all-custom-nodes",
  ];
  if (!real) return { command: [process.execPath, STAND_IN, ...flags, "--step-ms", "20"] };
  const { comfyuiDir, python } = await ensureRealComfy();
  return { command: [python, join(comfyuiDir, "main.py"), ...flags, "--cpu", "--database-url", "sqlite:///:memory:"] };
}

async function answers(url: string, headers: Record<string, string> = {}): Promise<true | null> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(2_000) }).catch(() => null);
  await response?.body?.cancel();
  return response ? true : null;
}

export async function startRival({ real = false }: { real?: boolean } = {}): Promise<Rival> {
  const { python } = await ensureEnvironment("proxy");
  const dir = mkdtempSync(join(tmpdir(), "comfyfleet-rival-"));
  const ports = { comfy: await freePort(), proxy: await freePort() };
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, OMP_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" };
  const comfy = manageProcess({ ...await comfyCommand(real, dir, ports.comfy), env, logPath: join(dir, "comfy.log") });
  const comfyUrl = `http://127.0.0.1:${ports.comfy}`;
  const baseUrl = `http://127.0.0.1:${ports.proxy}`;
  const apiKey = "the-rivals-token";
  const proxy = manageProcess({
    command: [
      ...[python, "-m", "comfy_api_proxy.cli", "run", "--comfyui", comfyUrl],
      ...["--port", String(ports.proxy), "--token", apiKey],
    ],
    env,
    logPath: join(dir, "proxy.log"),
  });
  const rival: Rival = {
    ...{ baseUrl, apiKey, comfyUrl },
    async [Symbol.asyncDispose]() {
      await Promise.all([proxy, comfy].map((one) => one.terminate().catch(() => one.kill())));
      killLeftovers(dir);
      rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  try {
    await until("ComfyUI to answer", () => answers(`${comfyUrl}/queue`), real ? 150_000 : 20_000);
    await until("comfy-api-proxy to answer", () => answers(`${baseUrl}/api/v2/jobs/none`), 30_000);
    return rival;
  } catch (error) {
    const logs = `${comfy.log().slice(-2_000)}\n---\n${proxy.log().slice(-2_000)}`;
    await rival[Symbol.asyncDispose]();
    throw new Error(`comfy-api-proxy did not become ready: ${String(error)}\n${logs}`, { cause: error });
  }
}
