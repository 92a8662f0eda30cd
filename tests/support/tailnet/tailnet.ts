/** A tailnet for one test: a headscale, and the nodes that the test adds. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
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
  /** A folder in {@link TestTailnet.dir}. */
  makeFolder(name: string): string;
  /** A bare daemon that joins with a new key, of a pod unless the options say otherwise. */
  addDaemon(name: string, options?: NodeOptions): Promise<Daemon>;
}

export type NodeOptions =
  & Partial<Pick<DaemonOptions, "dir" | "place" | "env" | "tun">>
  & Pick<KeyOptions, "tags" | "user" | "ephemeral">;

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
      makeFolder(name) {
        const path = join(dir, name);
        mkdirSync(path, { recursive: true, mode: 0o700 });
        return path;
      },
      async addDaemon(name, options = {}) {
        const key = await started.mint(options);
        const daemon = await startDaemon({ dir, binaries, name, key, controlUrl: started.url, ...options });
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
