/** The edge's container without a container: its entrypoint, among the files that its image has, as a process of the tests. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { findDeno } from "../../../cli/up/entry.ts";
import { loadSecrets } from "../../../cli/up/local-secrets.ts";
import { createFleet, type Fleet } from "../../../client/mod.ts";
import type { LocalApi } from "../../../contracts/tailnet/local-api.ts";
import type { Duplex } from "node:stream";
import { type EdgeRuntime, TEST_TIMINGS } from "../fleet/fleet.ts";
import { freePort } from "../fleet/free-port.ts";
import { processesNaming } from "../fleet/leftovers.ts";
import { type ManagedProcess, manageProcess } from "../fleet/process.ts";
import { until } from "../fleet/until.ts";
import { HERMETIC_SETTINGS, localApiAt, soon } from "./daemon.ts";
import { layOut } from "./edge-image.ts";
import type { TestTailnet } from "./tailnet.ts";

export interface EdgeContainer extends AsyncDisposable {
  readonly dir: string;
  readonly process: ManagedProcess;
  readonly client: Fleet;
  /** What `TS_AUTHKEY` names. */
  readonly keyPath: string;
  /** Of its tailscaled. */
  readonly api: LocalApi<Duplex>;
  ready(): Promise<void>;
  /** Exit code of the health check. */
  health(): number | null;
  /** Id of the only pod, once it is ready. */
  podReady(): Promise<string>;
  /** Ids of its processes with a word in their command line; all of them without one. */
  pids(word?: string): number[];
}

export interface EdgeContainerOptions {
  runtime: EdgeRuntime;
  /** @default a new key of tag:edge */
  key?: string;
  env?: Readonly<Record<string, string>>;
}

/** Of an edge: not ephemeral. */
export const EDGE_KEY = { tags: ["tag:edge"], ephemeral: false };

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // ended meanwhile
  }
}

/** Where things are, in the place of the image's own folders and users. */
function layoutOf(dir: string, { binaries, headscale }: TestTailnet): Record<string, string> {
  const programs = [dirname(findDeno(process.env) ?? ""), dirname(process.execPath), process.env.PATH];
  return {
    PATH: programs.join(delimiter),
    HOME: join(dir, "home"),
    TAILSCALED: join(binaries, "tailscaled"),
    TS_CONTROL_URL: headscale.url,
    EDGE_DATA_DIR: join(dir, "data", "edge"),
    TS_STATE_DIR: join(dir, "data", "tailnet"),
    TS_RUN_DIR: join(dir, "run"),
    EDGE_SECRETS_DIR: join(dir, "secrets"),
    // A namespace of one user knows no other.
    EDGE_USER: "",
  };
}

/** Starts it, and waits for nothing. */
export async function runEdgeContainer(tailnet: TestTailnet, options: EdgeContainerOptions): Promise<EdgeContainer> {
  const { runtime, env = {} } = options;
  const dir = tailnet.makeFolder(`c-${runtime}`);
  tailnet.makeFolder(`c-${runtime}/secrets`);
  const [keyPath, firstKeyPath] = [join(dir, "secrets", "edge.key"), join(dir, "secrets", "first.key")];
  writeFileSync(keyPath, options.key ?? await tailnet.headscale.mint(EDGE_KEY), { mode: 0o600 });
  const { apiKey } = loadSecrets(join(dir, "operator"));
  writeFileSync(firstKeyPath, apiKey, { mode: 0o600 });
  const port = await freePort();
  const settings = {
    ...layoutOf(dir, tailnet),
    ...{ ...HERMETIC_SETTINGS, ...TEST_TIMINGS },
    ...{ EDGE_RUNTIME: runtime, EDGE_LISTEN: `0.0.0.0:${port}`, EDGE_BOOTSTRAP_KEY: `file:${firstKeyPath}` },
    TS_AUTHKEY: `file:${keyPath}`,
    ...env,
  };
  const command = ["/bin/sh", layOut(join(dir, "image"))];
  const container = manageProcess({ command, env: settings, logPath: join(dir, "container.log") });
  const baseUrl = `http://127.0.0.1:${port}`;
  const client = createFleet({ baseUrl, apiKey });
  return {
    ...{ dir, keyPath, client, process: container, api: localApiAt(join(dir, "run", "tailscaled.sock")) },
    async ready() {
      try {
        await until("the container to be ready", async () => {
          const answer = await fetch(`${baseUrl}/readyz`, { signal: soon() }).catch(() => null);
          return answer?.ok || null;
        }, 30_000);
      } catch (cause) {
        throw new Error(`${String(cause)}; it says: ${container.log().slice(-4_000)}`, { cause });
      }
    },
    health: () => spawnSync("/bin/sh", [...command.slice(1), "health"], { env: settings, timeout: 10_000 }).status,
    podReady: () =>
      until("the pod to be ready", async () => {
        const { items } = await client.trpc.pods.list.query({});
        return items.find(({ phase }) => phase === "ready")?.id ?? null;
      }, 30_000),
    pids: (word = "") => processesNaming(dir).filter((pid) => pid !== process.pid && commandLine(pid).includes(word)),
    async [Symbol.asyncDispose]() {
      await container.terminate().catch(() => container.kill());
    },
  };
}
