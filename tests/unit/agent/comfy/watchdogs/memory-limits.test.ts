import { describe, expect, it } from "vitest";
import type { EndCause } from "../../../../../agent/comfy/end-cause.ts";
import { type MemoryLimits, watchMemory } from "../../../../../agent/comfy/watchdogs/memory-limits.ts";
import { createSilentLogger } from "../../../../support/comfy/silent-logger.ts";
import { createVirtualClock } from "../../../../support/comfy/virtual-clock.ts";

const GIB = 1024 ** 3;

/** A ComfyUI of which a test says how much it holds, and whether `/free` helps. */
function setUp(limits: Partial<MemoryLimits>) {
  const clock = createVirtualClock();
  const life = new AbortController();
  const asked: EndCause[] = [];
  const relieved: boolean[] = [];
  const state = { rssBytes: GIB as number | null, freeVramBytes: 8 * GIB, prompts: 0, frees: 0, onFree: () => {} };
  const reply = (body: unknown) => Promise.resolve(new Response(JSON.stringify(body)));
  const watching = watchMemory({
    clock,
    logger: createSilentLogger(),
    baseUrl: "http://comfy",
    fetch: (url) => {
      const { pathname } = new URL(String(url));
      if (pathname === "/prompt") return reply({ exec_info: { queue_remaining: state.prompts } });
      if (pathname === "/system_stats") return reply({ devices: [{ vram_free: state.freeVramBytes }] });
      state.frees += 1;
      state.onFree();
      return reply("");
    },
    timings: { memoryEveryMs: 15_000, memoryFreeMs: 10_000, memoryPollMs: 500, requestTimeoutMs: 5_000 },
    limits: { maxRssBytes: 4 * GIB, minFreeVramBytes: null, ...limits },
    readRss: () => Promise.resolve(state.rssBytes),
    recycler: {
      isBusy: false,
      async request(cause, relieve) {
        asked.push(cause);
        relieved.push(await relieve?.() ?? false);
      },
    },
    signal: life.signal,
  });
  const end = async () => {
    life.abort();
    await watching;
  };
  return { asked, clock, end, relieved, state };
}

describe("watchMemory()", () => {
  it("is content below the limit, and where the memory cannot be told", async () => {
    const { asked, clock, end, state } = setUp({});
    await clock.advance(60_000);
    state.rssBytes = null;
    await clock.advance(60_000);
    expect(asked).toEqual([]);
    await end();
  });

  it("asks ComfyUI to free memory, and for its restart when that does not help", async () => {
    const { asked, clock, end, relieved, state } = setUp({});
    state.rssBytes = 5 * GIB;
    await clock.advance(15_000);
    expect(asked).toMatchObject([{ reason: "MemoryLimit", message: expect.stringContaining("held 5.0 GiB") }]);
    await clock.advance(10_500);
    expect([relieved, state.frees]).toEqual([[false], 1]);
    await end();
  });

  it("leaves a ComfyUI alone that gives its memory back", async () => {
    const { clock, end, relieved, state } = setUp({});
    state.rssBytes = 5 * GIB;
    state.onFree = () => {
      state.rssBytes = GIB;
    };
    await clock.advance(16_000);
    expect(relieved).toEqual([true]);
    await end();
  });

  it("judges GPU memory by a floor, and only while nothing runs", async () => {
    const { asked, clock, end, state } = setUp({ minFreeVramBytes: 2 * GIB });
    Object.assign(state, { freeVramBytes: GIB, prompts: 1 });
    await clock.advance(30_000);
    expect(asked).toEqual([]);
    state.prompts = 0;
    await clock.advance(15_000);
    expect(asked).toMatchObject([{ reason: "GpuMemoryFloor", message: expect.stringContaining("Only 1.0 GiB") }]);
    await end();
  });
});
