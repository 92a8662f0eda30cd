import { describe, expect, it } from "vitest";
import { Mailbox } from "../../../../agent/attempts/mailbox.ts";

const never = new AbortController().signal;

describe("Mailbox", () => {
  it("gives a slow reader the newest letter of each key", async () => {
    const mailbox = new Mailbox<string>();
    for (let n = 0; n < 1_000; n++) mailbox.put("progress", `progress ${n}`);
    mailbox.put("report 1", "report 1");
    mailbox.put("progress", "progress 1000");
    mailbox.put("report 2", "report 2");
    mailbox.close();
    expect(await Array.fromAsync(mailbox.read(never))).toEqual(["report 1", "progress 1000", "report 2"]);
  });

  it("wakes a waiting reader, and ends it when closed", async () => {
    const mailbox = new Mailbox<string>();
    const reading = Array.fromAsync(mailbox.read(never));
    await Promise.resolve();
    mailbox.put("a", "one");
    await new Promise((resolve) => setTimeout(resolve));
    mailbox.put("a", "two");
    mailbox.close();
    mailbox.put("a", "too late");
    expect(await reading).toEqual(["one", "two"]);
  });

  it("ends a waiting reader at an abort", async () => {
    const abort = new AbortController();
    const reading = Array.fromAsync(new Mailbox<string>().read(abort.signal));
    abort.abort();
    expect(await reading).toEqual([]);
  });

  it("drop() takes an unread letter back", async () => {
    const mailbox = new Mailbox<string>();
    mailbox.put("a", "one");
    mailbox.drop("a");
    mailbox.close();
    expect(await Array.fromAsync(mailbox.read(never))).toEqual([]);
  });
});
