// Commands with --pod, against an agent's contract on a plain port.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runProgram } from "../../../../cli/program.ts";
import type { AgentContext } from "../../../../contracts/agent/ports.ts";
import { agentRouter } from "../../../../contracts/agent/router.ts";
import { FleetError } from "../../../../contracts/errors.ts";
import { toTimestamp } from "../../../../contracts/ids.ts";
import { PROTOCOL } from "../../../../contracts/protocol.ts";

const AT = "2026-01-01T00:00:00.000Z";
let server: Server;
let host: string;
let stranger: boolean;

const capability = {
  agentVersion: "1.0.0",
  comfyVersion: "0.30.0",
  comfyMode: "supervised",
  devices: [],
  objectInfoSha256: null,
};
const context = {
  requestId: "test",
  pod: {
    describe: () =>
      Promise.resolve({ protocol: PROTOCOL, podId: null, bootId: "boot_01jd8qf2e0f0x8j3m5p7q9s1tv", capability }),
  },
  gpu: {
    verdict: () =>
      Promise.resolve({ state: "healthy", since: AT, seq: 1, reasons: [], action: "none", nodeHint: null }),
  },
  comfy: {
    status: () =>
      Promise.resolve({
        ...{
          mode: "supervised",
          state: "ready",
          since: AT,
          reason: "Answers",
          message: "ComfyUI answers.",
          takesJobs: true,
        },
        ...{ version: "0.30.0", devices: [], generation: null, attempts: [], now: toTimestamp(Date.now()) },
      }),
    logs: () => Promise.resolve({ logId: "log", lines: [{ number: 1, at: AT, text: "hello", transient: false }] }),
    free: () => Promise.resolve({ status: "asked", message: "ComfyUI was asked." }),
    restart: () =>
      Promise.reject(new FleetError("conflict", "Cannot restart ComfyUI: a run is on", { details: { attempts: 1 } })),
  },
  tailnet: {
    selfCheck: () =>
      Promise.resolve({
        now: AT,
        checks: [{ name: "edge port 8080", status: "failed", message: "can be dialled", fix: "Mend the policy." }],
      }),
  },
} as unknown as AgentContext;

beforeEach(async () => {
  stranger = false;
  server = createServer(
    getRequestListener((request) =>
      stranger
        ? new Response("not found", { status: 404 })
        : fetchRequestHandler({ endpoint: "/trpc", req: request, router: agentRouter, createContext: () => context })
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

async function program(...argv: string[]) {
  const text = { stdout: "", stderr: "" };
  const code = await runProgram(argv, {
    ...{ version: "1.2.3", command: "comfyfleet", env: {}, interrupted: new AbortController().signal },
    terminal: {
      stdout: { write: (chunk) => (text.stdout += chunk) },
      stderr: { write: (chunk) => (text.stderr += chunk) },
    },
  });
  return { code, ...text };
}

describe("--pod", () => {
  it("shows, reads the log of and frees a pod without an edge or a key", async () => {
    const shown = await program("--pod", host, "pods", "get");
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/agent +1\.0\.0 \(ComfyUI supervised\)/);
    expect(JSON.parse((await program("--pod", host, "pods", "get", "--json")).stdout)).toMatchObject({
      ok: true,
      data: { host: "127.0.0.1", comfy: { takesJobs: true }, verdict: { state: "healthy" } },
    });
    expect((await program("pods", "logs", "--pod", host)).stdout).toBe("hello\n");
    expect((await program("--pod", host, "pods", "free")).stdout).toBe(`${host}: ComfyUI was asked.\n`);
  });

  it("says how to force what the agent refuses", async () => {
    const { code, stderr } = await program("--pod", host, "pods", "restart");
    expect(code).toBe(1);
    expect(stderr).toContain(`comfyfleet --pod ${host} pods restart --force`);
  });

  it("checks the pod, and the tailnet as it sees it", async () => {
    const { code, stdout } = await program("--pod", host, "doctor", "--json");
    expect(code).toBe(1);
    const { checks } = JSON.parse(stdout).data;
    expect(checks.map(({ status }: { status: string }) => status)).toEqual(["ok", "ok", "failed"]);
  });

  it("says to whom it is not known, with code 3", async () => {
    stranger = true;
    const { code, stderr } = await program("--pod", host, "pods", "get");
    expect(code).toBe(3);
    expect(stderr).toContain("'observe' or 'operate'");
    expect((await program("--pod", host, "doctor")).stdout).toContain("does not know this machine");
  });

  it.each([
    [["pods", "ls"]],
    [["pods", "cordon", "gpu-1"]],
    [["jobs", "ls"]],
    [["pods", "enroll"]],
    [["pods", "get", "gpu-1"]],
  ])("is refused with %j, which is an edge's or of another pod", async (argv) => {
    const { code, stderr } = await program("--pod", host, ...argv);
    expect(code).toBe(2);
    expect(stderr).toContain("--pod");
  });

  it("is what a pod's command asks for when nothing names a pod", async () => {
    const { code, stderr } = await program("pods", "logs", "--url", "http://127.0.0.1:1", "--key", "cfl_x");
    expect(code).toBe(2);
    expect(stderr).toContain("--pod HOST");
  });
});
