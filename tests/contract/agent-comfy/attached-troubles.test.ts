// What may be wrong with a ComfyUI that somebody else runs, beside being gone.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it, vi } from "vitest";
import { attach, somebodys } from "../../support/comfy/attached.ts";
import { atEnd, cleanUp, reach } from "../../support/comfy/supervised.ts";

afterEach(cleanUp);

describe("an attached ComfyUI of which something is wrong", () => {
  it("answers HTTP, but its WebSocket says nothing: no jobs until it does", async () => {
    const other = await somebodys();
    other.start();
    const { statuses: direct } = attach(other);
    await reach(direct, "ready", 0);
    // In between is something that passes on every request and no WebSocket.
    const between = createServer((request, response) => {
      fetch(`${other.baseUrl}${request.url}`).then(async (answer) => response.end(await answer.text()))
        .catch(() => response.destroy());
    });
    between.on("upgrade", () => {});
    between.listen(0, "127.0.0.1");
    await once(between, "listening");
    atEnd(() => {
      between.closeAllConnections();
      between.close();
    });
    const { port } = between.address() as AddressInfo;
    const { statuses } = attach({ ...other, baseUrl: `http://127.0.0.1:${port}` });
    expect(await reach(statuses, "backoff", 0)).toMatchObject({
      reason: "NoSocket",
      message: expect.stringContaining("its WebSocket sends no status"),
    });
    expect(statuses.some(({ state }) => state === "ready")).toBe(false);
  });

  it("is another one than before the agent's restart, which is told by its command line", async () => {
    const other = await somebodys();
    const child = other.start();
    const first = attach(other);
    const before = await reach(first.statuses, "ready", 0);
    await first.comfy.stop();
    child.kill("SIGKILL");
    await once(child, "exit");
    other.start("--step-ms", "7");
    await vi.waitFor(async () => expect((await fetch(`${other.baseUrl}/system_stats`)).ok).toBe(true), 10_000);
    const second = attach(other, { stateDir: first.stateDir });
    expect((await reach(second.statuses, "ready", 0)).generation?.id).not.toBe(before.generation?.id);
    using db = new DatabaseSync(join(first.stateDir, "journal.sqlite"), { readOnly: true });
    const ended = db.prepare("SELECT end_reason FROM comfy_generation WHERE id = ?1").get(before.generation?.id ?? "");
    expect(ended).toEqual({ end_reason: "AnotherProcess" });
  });
});
