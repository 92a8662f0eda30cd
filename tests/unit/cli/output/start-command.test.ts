import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { START_NEEDS, startCommand, stateFolder } from "../../../../cli/output/start-command.ts";
import { PodId } from "../../../../contracts/ids.ts";

const podId = PodId.parse("pod_01jd8qf2e0f0x8j3m5p7q9s1tv");
const pod = {
  podId,
  name: "pod-01jd8qf2e0f0x8j3m5p7q9s1tv",
  key: "hskey-auth-1nVjM0XDV28B-it's$HOME",
  expiresAt: "2026-01-01T00:00:00.000Z",
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "comfyfleet-start-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the text as pasted, with an `npx` that writes down what it is given. */
function paste(text: string, shell: string): { args: string; env: Record<string, string> } {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "npx"), '#!/bin/sh\nprintf "%s\\n" "$*"\nenv\n');
  chmodSync(join(bin, "npx"), 0o755);
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder };
  const said = execFileSync(shell, ["-c", `umask 022\n${text}`], { cwd: folder, env, encoding: "utf8" });
  const [args = "", ...lines] = said.trimEnd().split("\n");
  return { args, env: Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2) as [string, string])) };
}

describe.each(["sh", "bash"])("startCommand() pasted into %s", (shell) => {
  it("starts the agent with the pod's settings, and the key in a file of 0600", () => {
    const { args, env } = paste(`${START_NEEDS}\n\n${startCommand(pod, "https://control.example.com")}`, shell);
    expect(args).toBe("--no comfyfleet agent start");
    expect(env).toMatchObject({
      TS_CONTROL_URL: "https://control.example.com",
      TS_HOSTNAME: pod.name,
      AGENT_STATE_DIR: stateFolder(pod),
    });
    const [, path = ""] = /^file:(.*)$/.exec(env.TS_AUTHKEY ?? "") ?? [];
    expect(readFileSync(join(folder, path), "utf8")).toBe(pod.key);
    expect(statSync(join(folder, path)).mode & 0o777).toBe(0o600);
    // In no argument and no variable of a process.
    expect(JSON.stringify({ args, env })).not.toContain("1nVjM0XDV28B");
  });
});

describe("startCommand()", () => {
  it("names no control server for Tailscale's own", () => {
    expect(startCommand(pod, null)).not.toContain("TS_CONTROL_URL");
  });

  it("gives pods of one machine folders of their own, with a short path", () => {
    const other = { ...pod, podId: PodId.parse("pod_01jd8qf2e0f0x8j3m5p7q9s1tw") };
    expect(stateFolder(other)).not.toBe(stateFolder(pod));
    // The sockets below it have at most 103 bytes of path.
    expect(`${stateFolder(pod)}/tailnet/tailscaled.sock`.length).toBeLessThan(60);
  });
});
