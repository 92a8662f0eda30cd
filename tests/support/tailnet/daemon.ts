/** A bare tailscaled on the test tailnet: an edge's, a stranger's, or a pod's without an agent. */
import { mkdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { createLocalApi, type LocalApi } from "../../../contracts/tailnet/local-api.ts";
import { type ManagedProcess, manageProcess } from "../fleet/process.ts";
import { until } from "../fleet/until.ts";
import { HERE, type Place } from "./places.ts";

/** What makes tailscaled work on a network of nothing but `lo` and over a relay without TLS, and keeps it to itself. */
export const HERMETIC_SETTINGS: Readonly<Record<string, string>> = {
  TS_ASSUME_NETWORK_UP_FOR_TEST: "1",
  TS_DEBUG_USE_DERP_HTTP: "1",
  TS_DISABLE_PORTMAPPER: "1",
  TS_NO_LOGS_NO_SUPPORT: "1",
  TS_PANIC_IF_HIT_MAIN_CONTROL: "1",
};

/** On both ends: packets between nodes go through the relay, whatever shorter way there is. */
export const RELAY_ONLY: Readonly<Record<string, string>> = { TS_DEBUG_ALWAYS_USE_DERP: "1" };

export interface Daemon extends AsyncDisposable {
  readonly name: string;
  readonly socketPath: string;
  readonly process: ManagedProcess;
  readonly api: LocalApi<Duplex>;
  /** On the tailnet. */
  readonly ip: string;
  readonly stableId: string;
}

export interface DaemonOptions {
  /** Parent of its folder. */
  dir: string;
  binaries: string;
  /** Its host name on the tailnet. */
  name: string;
  controlUrl: string;
  key: string;
  /** @default beside the tests */
  place?: Place;
  /** @default any */
  udpPort?: number;
  /** Name of a kernel device, see {@link TUNNEL}. @default userspace mode */
  tun?: string;
  env?: Readonly<Record<string, string>>;
}

const CALL_MS = 5_000;
export const soon = (): AbortSignal => AbortSignal.timeout(CALL_MS);

export function localApiAt(socketPath: string): LocalApi<Duplex> {
  return createLocalApi<Duplex>({ request, socketPath });
}

/**
 * Joins with the key, or comes back with the state that an earlier one of the same name has left.
 * @throws Error with what the daemon says, when it does not get in
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { binaries, name, controlUrl, key, place = HERE, env = {} } = options;
  const dir = join(options.dir, name);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const socketPath = join(dir, "ts.sock");
  const args = [
    `--tun=${options.tun ?? "userspace-networking"}`,
    `--state=${join(dir, "state")}`,
    `--statedir=${dir}`,
    `--port=${options.udpPort ?? 0}`,
  ];
  const daemon = manageProcess({
    command: place.wrap([join(binaries, "tailscaled"), ...args, `--socket=${socketPath}`]),
    env: { PATH: process.env.PATH, HOME: dir, ...HERMETIC_SETTINGS, ...env },
    logPath: join(dir, "tailscaled.log"),
  });
  const api = localApiAt(socketPath);
  try {
    const found = await until("tailscaled to say how it stands", async () => {
      const status = await api.status({ peers: false }, soon()).catch(() => null);
      return status?.BackendState === "NoState" ? null : status;
    });
    if (found.BackendState === "NeedsLogin") {
      const UpdatePrefs = { ControlURL: controlUrl, WantRunning: true, Hostname: name, CorpDNS: false };
      await api.start({ AuthKey: key, UpdatePrefs }, soon());
      await api.login(soon());
    }
    const self = await until(`${name} to be on the tailnet`, async () => {
      const status = await api.status({ peers: false }, soon());
      const refusal = status.Health.find((text) => text.includes("last login error"));
      if (refusal !== undefined) throw new Error(refusal);
      return status.BackendState === "Running" ? status.Self ?? null : null;
    });
    const [ip = ""] = self.TailscaleIPs;
    return {
      ...{ name, socketPath, process: daemon, api, ip, stableId: self.ID },
      async [Symbol.asyncDispose]() {
        await daemon.kill();
      },
    };
  } catch (error) {
    await daemon.kill();
    throw error;
  }
}
