import { describe, expect, it } from "vitest";
import { createLogFeed, type FeedItem } from "../../../../../agent/comfy/log/log-feed.ts";

function setUp(limits: { maxLines?: number; maxChars?: number } = {}) {
  let atMs = 0;
  const feed = createLogFeed({ id: "log", clock: { now: () => ++atMs }, maxLines: 100, maxChars: 10_000, ...limits });
  const say = (...texts: string[]) => {
    for (const text of texts) feed.add({ text, transient: false });
  };
  const draw = (text: string) => feed.add({ text, transient: true });
  return { feed, say, draw };
}

function words(items: readonly FeedItem[]) {
  return items.map((item) => (item.type === "gap" ? `gap ${item.missed}` : `${item.line.number} ${item.line.text}`));
}

/** Reads until there are `count` items; the reader stays open for the next call. */
function reader(follow: AsyncGenerator<FeedItem, void>) {
  return async (count: number) => {
    const items: FeedItem[] = [];
    while (items.length < count) {
      const { value, done } = await follow.next();
      if (done || !value) break;
      items.push(value);
    }
    return words(items);
  };
}

describe("createLogFeed()", () => {
  it("numbers lines from 1 and gives the newest, oldest first", () => {
    const { feed, say } = setUp();
    say("a", "b", "c");
    expect(feed.last(2)).toEqual([
      { number: 2, atMs: 2, text: "b", transient: false },
      { number: 3, atMs: 3, text: "c", transient: false },
    ]);
    expect(feed.last(0)).toEqual([]);
    expect(feed.next).toBe(4);
  });

  it("keeps one line of a progress bar, under the number of what follows it", () => {
    const { feed, say, draw } = setUp();
    say("a");
    draw("1%");
    draw("2%");
    expect(feed.last(9).map(({ number, text }) => `${number} ${text}`)).toEqual(["1 a", "2 2%"]);
    expect(feed.next).toBe(2);
    say("done");
    expect(feed.last(9).map(({ number, text }) => `${number} ${text}`)).toEqual(["1 a", "2 done"]);
  });

  it("is bounded by lines and by characters", () => {
    const { feed, say } = setUp({ maxLines: 3, maxChars: 10 });
    say("1", "2", "3", "4");
    expect(feed.last(9).map(({ number }) => number)).toEqual([2, 3, 4]);
    say("123456789");
    expect(feed.last(9).map(({ number }) => number)).toEqual([4, 5]);
    say("a line that alone is longer than all may be together");
    expect(feed.last(9).map(({ number }) => number)).toEqual([6]);
  });

  it("follow() gives what is there, then what comes, and each drawing of a bar that it is in time for", async () => {
    const { feed, say, draw } = setUp();
    say("a", "b");
    const stop = new AbortController();
    const read = reader(feed.follow(2, stop.signal));
    expect(await read(1)).toEqual(["2 b"]);
    const later = read(1);
    draw("1%");
    expect(await later).toEqual(["3 1%"]);
    draw("2%");
    draw("3%");
    expect(await read(1)).toEqual(["3 3%"]);
    say("done", "more");
    expect(await read(2)).toEqual(["3 done", "4 more"]);
    const ended = read(1);
    stop.abort();
    expect(await ended).toEqual([]);
  });

  it("follow() says how many lines a slow reader has missed, and the place from which to resume", async () => {
    const { feed, say } = setUp({ maxLines: 2 });
    say("1", "2", "3", "4", "5");
    const stop = new AbortController();
    const follow = feed.follow(2, stop.signal);
    expect((await follow.next()).value).toMatchObject({ type: "gap", missed: 2, through: 3 });
    expect((await follow.next()).value).toMatchObject({ type: "line", line: { number: 4 }, through: 4 });
    say("6", "7", "8");
    expect((await follow.next()).value).toMatchObject({ type: "gap", missed: 2, through: 6 });
    expect((await follow.next()).value).toMatchObject({ line: { number: 7 } });
    await follow.return();
  });

  it("a bar's drawing does not move the place from which to resume", async () => {
    const { feed, say, draw } = setUp();
    say("a");
    draw("1%");
    const follow = feed.follow(1, new AbortController().signal);
    expect((await follow.next()).value).toMatchObject({ through: 1 });
    expect((await follow.next()).value).toMatchObject({ line: { text: "1%" }, through: 1 });
    await follow.return();
  });
});
