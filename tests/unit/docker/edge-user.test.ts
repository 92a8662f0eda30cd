/** What the edge's user can do to the next start of its container, and folders that are another's, with real users. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CHECKOUT } from "../../support/tailnet/edge-image.ts";

const USER = "nobody";
const NUMBERS = ["-u", "-g"].map((flag) => Number(spawnSync("id", [flag, USER], { encoding: "utf8" }).stdout));
const [uid = 0, gid = 0] = NUMBERS;
const isRoot = process.getuid?.() === 0;
const canDrop = isRoot && spawnSync("setpriv", ["--reuid", USER, "--clear-groups", "true"]).status === 0;
if (!canDrop) console.log("Only shown with stand-in programs: a start as root (these tests are not run by root).");

let dir: string;
const at = (...names: string[]) => join(dir, ...names);

/** A program that notes as whom it runs, and with which capabilities. */
function note(name: string, then: string): void {
  const lines = [
    `id -u > '${at("notes", name)}'`,
    `sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status >> '${at("notes", name)}'`,
  ];
  writeFileSync(at("bin", name), ["#!/bin/sh", ...lines, then, ""].join("\n"));
  chmodSync(at("bin", name), 0o755);
}

/** User and capabilities. */
function notesOf(name: string): { uid: number; caps: bigint } {
  const [user, caps] = readFileSync(at("notes", name), "utf8").split("\n");
  return { uid: Number(user), caps: BigInt(`0x${caps}`) };
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "comfyfleet-edge-user-"));
  chmodSync(dir, 0o755);
  for (const name of ["bin", "notes", "var", "run", "roots"]) mkdirSync(at(name));
  for (const name of ["edge", "tailnet"]) mkdirSync(at("var", name), { mode: 0o700 });
  chmodSync(at("notes"), 0o777);
  if (canDrop) { for (const name of ["var", "run", "var/edge", "var/tailnet"]) chownSync(at(name), uid, gid); }
  // The entrypoint where that user can read it, wherever the checkout lies.
  mkdirSync(at("image/docker/edge"), { recursive: true });
  mkdirSync(at("image/proxy"));
  for (const path of ["docker/edge/entrypoint.sh", "proxy/deno-flags.json"]) {
    writeFileSync(at("image", path), readFileSync(join(CHECKOUT, path)));
  }
  note("tailscaled", "exec sleep 30");
  note("node", `until [ -s '${at("notes/tailscaled")}' ]; do sleep 0.05; done`);
  note("deno", "exit 7");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function start(env: Record<string, string> = {}): Promise<{ code: number | null; said: string }> {
  const child = spawn("/bin/sh", [at("image/docker/edge/entrypoint.sh")], {
    env: {
      ...{ PATH: `${at("bin")}:/usr/bin:/bin`, EDGE_USER: USER, TS_AUTHKEY: "tskey-auth-secret" },
      ...{ EDGE_DATA_DIR: at("var/edge"), TS_STATE_DIR: at("var/tailnet"), TS_RUN_DIR: at("run") },
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit") as Promise<[number | null]>]);
  return { code, said };
}

describe.runIf(canDrop)("a start as root, after the edge's user has had its way with what is its own", () => {
  const NET_ADMIN = 1n << 12n;
  const hasNetAdmin = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const kept = BigInt(`0x${hasNetAdmin}`) & NET_ADMIN;

  it.each([["userspace-networking", 0n], ["tailscale0", kept]])(
    "with %s gives the edge no right, and tailscaled its one at most",
    async (tun, caps) => {
      expect((await start({ TS_TUN: tun })).code).toBe(7);
      expect(notesOf("tailscaled")).toEqual({ uid, caps });
      expect(notesOf("node")).toEqual({ uid, caps: 0n });
      expect(notesOf("deno")).toEqual({ uid, caps: 0n });
      expect(statSync(at("var/tailnet/joined")).uid).toBe(uid);
    },
  );

  it.each(["edge", "tailnet"])("changes nothing behind a link in the place of '%s'", async (name) => {
    writeFileSync(at("roots/tailscaled.state"), "root's", { mode: 0o600 });
    chmodSync(at("roots"), 0o700);
    renameSync(at("var", name), at("var/was"));
    symlinkSync(at("roots"), at("var", name));
    const { code, said } = await start({ TS_TUN: "tailscale0" });
    expect(code).toBe(1);
    expect(said).toContain(`Cannot use ${at("var", name)}: it and what it holds must belong to uid ${uid}.`);
    expect(statSync(at("roots"))).toMatchObject({ uid: 0, gid: 0 });
    expect(statSync(at("roots/tailscaled.state"))).toMatchObject({ uid: 0, size: 6 });
    expect(existsSync(at("notes/tailscaled"))).toBe(false);
  });

  it.each([
    ["run/ending", "userspace-networking", 7],
    ["run/ending", "tailscale0", 7],
    ["var/tailnet/joined", "userspace-networking", 1],
    ["var/tailnet/joined", "tailscale0", 1],
  ])("writes nothing through a link in the place of %s, with %s", async (path, tun, code) => {
    writeFileSync(at("roots/shadow"), "root's", { mode: 0o644 });
    const plant = `ln -s '${at("roots/shadow")}' '${at(path)}'`;
    // One of a file that is written when the edge has ended is planted by the edge.
    if (path === "run/ending") note("deno", `${plant}; exit 7`);
    else execFileSync("/bin/sh", ["-c", plant]);
    expect((await start({ TS_TUN: tun })).code).toBe(code);
    expect(readFileSync(at("roots/shadow"), "utf8")).toBe("root's");
  });

  it("runs no tailscaled as root on a folder that the user has put in the place of another", async () => {
    renameSync(at("var/tailnet"), at("var/was"));
    mkdirSync(at("var/tailnet"));
    chownSync(at("var/tailnet"), uid, gid);
    await start({ TS_TUN: "tailscale0" });
    expect(notesOf("tailscaled").uid).toBe(uid);
  });
});

describe("a start with a folder that is another user's", () => {
  /** As root made it, or, for tests that root does not run, as nobody may use it. */
  function close(path: string, mode: number): void {
    if (canDrop) chownSync(at(path), 0, 0);
    chmodSync(at(path), canDrop ? mode : 0);
  }

  it.each([
    ["var/tailnet", 0o700, ""],
    ["var/tailnet", 0o700, "tskey-auth-secret"],
    ["var/tailnet", 0o755, "tskey-auth-secret"],
    ["var/edge", 0o700, ""],
    ["var/tailnet/tailscaled.state", 0o600, ""],
  ])("%s of mode %i, key '%s', says so and starts nothing", async (path, mode, key) => {
    expect(canDrop || !isRoot, "a root that can become nobody else tells nothing here").toBe(true);
    for (const name of ["joined", "tailscaled.state"]) writeFileSync(at("var/tailnet", name), "");
    close(path, mode);
    const { code, said } = await start({ TS_AUTHKEY: key });
    if (!canDrop) chmodSync(at(path), 0o700);
    expect(code).toBe(1);
    expect(said).toContain(`Cannot use ${at(path)}: it and what it holds must belong to uid `);
    for (const name of ["tailscaled", "deno"]) expect(existsSync(at("notes", name))).toBe(false);
  });
});
