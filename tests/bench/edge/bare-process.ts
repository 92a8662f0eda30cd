/** A baseline server of either runtime as a process: `NAME.deno.ts` or `NAME.node.ts` of this folder. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findDeno } from "../../../cli/up/entry.ts";
import type { EdgeRuntime } from "../../support/fleet/fleet.ts";
import { freePort } from "../../support/fleet/free-port.ts";
import { manageProcess } from "../../support/fleet/process.ts";
import { until } from "../../support/fleet/until.ts";

export interface BareProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

export interface BareOptions {
  name: string;
  runtime: EdgeRuntime;
  /** After the port. */
  args?: readonly string[];
}

/** Resolves once it takes connections. */
export async function startBare({ name, runtime, args = [] }: BareOptions): Promise<BareProcess> {
  const port = await freePort();
  const file = fileURLToPath(new URL(`./${name}.${runtime}.ts`, import.meta.url));
  const deno = [findDeno(process.env) ?? "deno", "run", "--no-prompt", "--cached-only", "--allow-net"];
  const command = [...(runtime === "deno" ? deno : [process.execPath]), file, String(port), ...args];
  const logPath = join(tmpdir(), `comfyfleet-bench-${port}.log`);
  const server = manageProcess({ command, env: process.env, logPath });
  const url = `http://127.0.0.1:${port}`;
  await until(`${name} to answer; it says: ${server.log()}`, async () => {
    const response = await fetch(`${url}/?count=0`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    await response?.body?.cancel();
    return response && true;
  });
  return { url, pid: server.pid, [Symbol.asyncDispose]: () => server.kill() };
}
