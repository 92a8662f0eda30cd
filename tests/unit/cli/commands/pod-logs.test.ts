import { describe, expect, it } from "vitest";
import { podLogs } from "../../../../cli/commands/pod-logs.ts";
import type { CliContext } from "../../../../cli/context.ts";
import { createRenderer } from "../../../../cli/output/renderer.ts";
import { FleetError, type LogEvent } from "../../../../client/mod.ts";

function line(number: number, text: string, transient = false): LogEvent {
  return { type: "line", line: { number, at: "2026-01-01T00:00:00.000Z", text, transient } };
}

/** Follows a log of these events, which Ctrl-C ends, or the failure. */
async function follow(events: LogEvent[], { isTTY = false, json = false, failure = null as Error | null } = {}) {
  const text = { stdout: "", stderr: "" };
  const terminal = {
    stdout: { write: (chunk: string) => (text.stdout += chunk), isTTY },
    stderr: { write: (chunk: string) => (text.stderr += chunk) },
  };
  const interrupt = new AbortController();
  const fleet = {
    call: () => Promise.resolve({ items: [{ id: "pod_1", name: "gpu-1" }], nextCursor: null }),
    async *podLogs() {
      yield* events;
      if (failure) throw failure;
      interrupt.abort();
      throw interrupt.signal.reason;
    },
  };
  const context = {
    terminal,
    render: createRenderer(terminal, json),
    interrupted: interrupt.signal,
    fleet: () => fleet,
  } as unknown as CliContext;
  const ended = await podLogs(context, "gpu-1", { lines: 10, follow: true }).catch((error: unknown) => error);
  return { ended, ...text };
}

const EVENTS = [
  line(1, "begins"),
  line(2, " 10%|#", true),
  line(2, " 20%|##", true),
  line(2, "\u001b]0;mine\u0007done"),
  { type: "gap", missed: 3 } as const,
];

describe("podLogs() that follows", () => {
  it("prints what stays where no terminal is, without what would steer one", async () => {
    expect(await follow(EVENTS)).toEqual({
      ended: 130,
      stdout: "begins\n]0;minedone\n",
      stderr: "(3 lines missed)\n",
    });
  });

  it("draws a progress bar over itself on a terminal", async () => {
    const { stdout } = await follow(EVENTS, { isTTY: true });
    expect(stdout).toBe("begins\n 10%|#\r\x1b[2K 20%|##\r\x1b[2K]0;minedone\n");
  });

  it("prints every event with --json, and the envelope last", async () => {
    const { stdout, stderr } = await follow(EVENTS, { json: true });
    const lines = stdout.trimEnd().split("\n").map((text) => JSON.parse(text));
    expect(lines.slice(0, -1)).toEqual(EVENTS);
    expect(lines.at(-1)).toMatchObject({ ok: true, data: { podId: "pod_1", state: "detached" } });
    expect(stderr).toBe("");
  });

  it("fails with what ended the log", async () => {
    const failure = new FleetError("conflict", "Cannot read ComfyUI's log: the agent is attached to it");
    expect((await follow([line(1, "a")], { failure })).ended).toBe(failure);
  });
});
