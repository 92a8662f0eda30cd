/** A tailnet for one test: a headscale, and the nodes that the test adds. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killLeftovers } from "../fleet/leftovers.ts";
import { ensureBinaries } from "./binaries.ts";
import { type Daemon, type DaemonOptions, startDaemon } from "./daemon.ts";
import { type Headscale, type KeyOptions, shippedPolicy, startHeadscale } from "./headscale.ts";
import { isIsolated } from "./namespace.ts";

export interface TestTailnet extends AsyncDisposable {
  readonly dir: string;
  /** Folder of tailscaled and headscale. */
  readonly binaries: string;
  readonly headscale: Headscale;
  /** A bare daemon that joins with a new key. @param tag @default "tag:pod" */
  addDaemon(name: string, options?: NodeOptions): Promise<Daemon>;
}

type NodeOptions = Pick<DaemonOptions, "place" | "env"> & Pick<KeyOptions, "tags" | "user" | "ephemeral">;

export interface TestTailnetOptions {
  /** @default 127.0.0.1 */
  host?: string;
  /** @default the shipped one */
  policy?: string;
}

export async function startTailnet({ host, policy }: TestTailnetOptions = {}): Promise<TestTailnet> {
  if (!isIsolated()) throw new Error("Cannot start a tailnet on a network with a way out");
  const binaries = await ensureBinaries();
  // Short: a unix socket's path has room for 108 bytes.
  const dir = mkdtempSync(join(tmpdir(), "cf-tn-"));
  const daemons: Daemon[] = [];
  let headscale: Headscale | null = null;
  const stop = async () => {
    await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
    await headscale?.[Symbol.asyncDispose]();
    killLeftovers(dir);
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    const started = headscale = await startHeadscale({
      ...{ dir, binaries, host: host ?? "127.0.0.1", policy: policy ?? shippedPolicy() },
    });
    return {
      ...{ dir, binaries, headscale },
      async addDaemon(name, { place, env, ...keyOptions } = {}) {
        const key = await started.mint(keyOptions);
        const where = { ...(place === undefined ? {} : { place }), ...(env === undefined ? {} : { env }) };
        const daemon = await startDaemon({ dir, binaries, name, key, controlUrl: started.url, ...where });
        daemons.push(daemon);
        return daemon;
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
