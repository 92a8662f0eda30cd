/** What the entrypoint of the edge's container starts, with which arguments, environment and user, by programs that only note it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { denoEdgeFlags, entryPath } from "../../../cli/up/entry.ts";
import { daemonArguments, daemonEnvironment } from "../../../contracts/tailnet/daemon.ts";
import { CHECKOUT } from "../../support/tailnet/edge-image.ts";

const USERSPACE = { TS_TUN: "userspace-networking" };
/** What a shell adds by itself. */
const OF_THE_SHELL = new Set(["PWD", "OLDPWD", "SHLVL", "_"]);
/** Of the edge, that the entrypoint must pass on. */
const EDGE_CODE = 7;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "comfyfleet-entrypoint-"));
  mkdirSync(join(dir, "bin"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A program that notes its arguments and environment, and then does as `then` says. */
function note(name: string, then: string): void {
  const path = join(dir, "bin", name);
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > '${dir}/${name}.args'\nenv > '${dir}/${name}.env'\n${then}\n`);
  chmodSync(path, 0o755);
}

const argumentsOf = (name: string) => readFileSync(join(dir, `${name}.args`), "utf8").trimEnd().split("\n");

function environmentOf(name: string): Record<string, string> {
  const lines = readFileSync(join(dir, `${name}.env`), "utf8").trimEnd().split("\n");
  const pairs = lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
  return Object.fromEntries(pairs.filter(([key]) => !OF_THE_SHELL.has(key)));
}

interface Start {
  uid?: number;
  /** Exit code of `tailnet join`. */
  joinCode?: number;
  /** Whether root has CAP_NET_ADMIN. */
  netAdmin?: boolean;
  /** False: the join does not wait until tailscaled runs. @default true */
  waits?: boolean;
  env?: Record<string, string>;
}

function given(env: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: `${join(dir, "bin")}:/usr/bin:/bin`,
    HOME: dir,
    ...{ EDGE_DATA_DIR: join(dir, "edge"), TS_STATE_DIR: join(dir, "tailnet"), TS_RUN_DIR: join(dir, "run") },
    ...{ EDGE_SECRETS_DIR: "/run/secrets", TS_AUTHKEY: "tskey-auth-secret", HEADSCALE_API_KEY: "hskey-api-secret" },
    ...{ PORT: "80", HTTPS_PROXY: "http://proxy:1", TS_DEBUG_SOMETHING: "two words", SSL_CERT_FILE: "/etc/roots" },
    ...env,
  };
}

async function start(
  { uid = 1_000, netAdmin = false, joinCode = 0, waits = true, env = {} }: Start,
): Promise<number | null> {
  note("tailscaled", "exec sleep 30");
  const joined = `exit ${joinCode}`;
  note("node", waits ? `until [ -s '${dir}/tailscaled.env' ]; do sleep 0.05; done; ${joined}` : joined);
  note("deno", `exit ${EDGE_CODE}`);
  // The first one is noted under another name, because it is who drops root.
  const dropped = join(dir, "dropped.args");
  const drop = `if [ "$1" = --reuid ]; then mv '${dir}/setpriv.args' '${dropped}'; fi`;
  note("setpriv", `${drop}\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"`);
  note("id", `[ "$1" = -g ] || [ "$2" != "" ] || [ -e '${dropped}' ] && echo 10001 || echo ${uid}`);
  note("getent", "echo comfyfleet:x:10001:10001::/var/lib/comfyfleet:/usr/sbin/nologin");
  note(
    "sed",
    `case "$2" in *CapEff*) echo ${
      netAdmin ? "00000000a80435fb" : "00000000a80425fb"
    } ;; *) exec /bin/sed "$@" ;; esac`,
  );
  for (const name of ["chown", "mkdir", "rm"]) {
    note(name, `[ -e '${dropped}' ] || echo ${name} >> '${dir}/as-root'\nexec /bin/${name} "$@"`);
  }
  const child = spawn("/bin/sh", [join(CHECKOUT, "docker/edge/entrypoint.sh")], { env: given(env), stdio: "ignore" });
  const [code] = await once(child, "exit") as [number | null];
  return code;
}

const daemonCommand = (tun: string) =>
  daemonArguments({
    ...{ folder: join(dir, "tailnet"), state: join(dir, "tailnet/tailscaled.state") },
    ...{ socket: join(dir, "run/tailscaled.sock"), log: "" },
  }, { udpPort: 41_641 }).map((argument) => argument.startsWith("--tun=") ? `--tun=${tun}` : argument);

describe("docker/edge/entrypoint.sh", () => {
  it("starts tailscaled as the agent and 'up' do, and gives it nothing of the edge's settings", async () => {
    expect(await start({ env: USERSPACE })).toBe(EDGE_CODE);
    expect(argumentsOf("tailscaled")).toEqual(daemonCommand("userspace-networking"));
    expect(environmentOf("tailscaled")).toEqual(daemonEnvironment(given()));
  });

  it("has it join over its socket, with a key that is among no arguments", async () => {
    await start({ env: USERSPACE });
    const join_ = ["tailnet", "join", "--socket", join(dir, "run/tailscaled.sock"), "--timeout", "60"];
    expect(argumentsOf("node")).toEqual([entryPath("cli/main"), ...join_]);
    expect(existsSync(join(dir, "tailnet/joined"))).toBe(true);
  });

  it("runs the edge with the flags that it always has, its socket and the container's secrets", async () => {
    await start({ env: USERSPACE });
    const socket = join(dir, "run/tailscaled.sock");
    const flags = denoEdgeFlags(join(dir, "edge"), socket).map((flag) =>
      flag.startsWith("--allow-read=") ? `${flag},/run/secrets` : flag
    );
    expect(argumentsOf("deno")).toEqual(["run", ...flags, entryPath("proxy/main.deno")]);
    const env = environmentOf("deno");
    expect(env).toMatchObject({
      TS_SOCKET: socket,
      EDGE_DATA_DIR: join(dir, "edge"),
      HEADSCALE_API_KEY: "hskey-api-secret",
    });
    expect(env).not.toHaveProperty("TS_AUTHKEY");
  });

  it.each([
    ["userspace-networking", false, "-all"],
    ["userspace-networking", true, "-all,+net_admin"],
    ["tailscale0", true, "-all,+net_admin"],
  ])("as root, with %s and CAP_NET_ADMIN: %s, becomes its user first, with '%s'", async (tun, netAdmin, kept) => {
    expect(await start({ uid: 0, netAdmin, env: { TS_TUN: tun } })).toBe(EDGE_CODE);
    const caps = [`--inh-caps=${kept}`, `--ambient-caps=${kept}`, "--no-new-privs", "--"];
    const user = ["--reuid", "comfyfleet", "--regid", "10001", "--clear-groups"];
    expect(argumentsOf("dropped").slice(0, -1)).toEqual([...user, ...caps, "/bin/sh"]);
    expect(existsSync(join(dir, "as-root"))).toBe(false);
    // The edge's is the last one noted.
    const none = ["--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs", "--"];
    expect(argumentsOf("setpriv").slice(0, none.length + 2)).toEqual([...none, "setsid", "deno"]);
    expect(argumentsOf("tailscaled")).toEqual(daemonCommand(tun));
    expect(environmentOf("deno")["HOME"]).toBe("/var/lib/comfyfleet");
  });

  it.each([[3, false, 3], [6, false, 6], [6, true, EDGE_CODE], [1, true, 1]])(
    "where the join ends with %i, joined before: %s, ends with %i",
    async (joinCode, before, code) => {
      if (before) {
        mkdirSync(join(dir, "tailnet"));
        writeFileSync(join(dir, "tailnet/joined"), "");
      }
      expect(await start({ joinCode, waits: false, env: USERSPACE })).toBe(code);
      expect(existsSync(join(dir, "deno.args"))).toBe(code === EDGE_CODE);
    },
  );

  it("starts no tailscaled beside one that is there, and none without a key", async () => {
    const settings: Record<string, string>[] = [{ TS_SOCKET: "/run/ts.sock" }, { TS_AUTHKEY: "" }];
    for (const env of settings) {
      expect(await start({ env })).toBe(EDGE_CODE);
      expect(existsSync(join(dir, "tailscaled.args"))).toBe(false);
    }
  });
});
