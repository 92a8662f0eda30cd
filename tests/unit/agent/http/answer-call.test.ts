// Mutations as tRPC's client sends them: our own answers beside those of tRPC's handler.
import superjson from "superjson";
import { describe, expect, it, vi } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { ATTEMPT, ours, portsOf, post, stream, trpcs, wellFormed } from "./both-answers.ts";

const released = (code: "conflict" | "internal") => () => {
  throw code === "conflict" ? new FleetError(code, "Cannot release: it goes on") : new TypeError("a fault of ours");
};

describe("a mutation", () => {
  it.each<[string, () => Request, Parameters<typeof portsOf>[0]]>([
    ["done without a word", () => post("attempts.release", wellFormed), { release: () => undefined }],
    ["with an undefined field", () => post("attempts.release", wellFormed), { release: () => ({ left: undefined }) }],
    ["that answers with data", () => post("comfy.free", null), {}],
    ["refused", () => post("attempts.release", wellFormed), { release: released("conflict") }],
    ["that fails", () => post("attempts.release", wellFormed), { release: released("internal") }],
    [
      "with a field too many",
      () => post("attempts.release", JSON.stringify({ json: { attemptId: ATTEMPT, x: 1 } })),
      {},
    ],
    ["without input", () => post("attempts.release", null), {}],
    ["with an empty body", () => post("attempts.release", ""), {}],
    ["with broken JSON", () => post("attempts.release", "{"), {}],
    ["without superjson", () => post("attempts.release", JSON.stringify([ATTEMPT])), {}],
    ["with annotations of classes", () => post("attempts.release", '{"json":{},"meta":{"values":["Date"]}}'), {}],
  ])(
    "%s has the status, the type and, read by superjson, the values of tRPC's answer",
    async (_name, request, acts) => {
      const [answer, expected] = await Promise.all([ours(request(), portsOf(acts)), trpcs(request(), portsOf(acts))]);
      expect(answer.status).toBe(expected.status);
      expect(answer.headers.get("content-type")).toBe(expected.headers.get("content-type"));
      const [said, meant] = [await answer.json(), await expected.json()];
      if ("error" in meant) expect(said).toEqual(meant);
      else expect(superjson.deserialize(said.result.data)).toEqual(superjson.deserialize(meant.result.data));
    },
  );

  it("has no word for what is undefined, where tRPC's handler annotates it", async () => {
    const request = () => post("attempts.release", wellFormed);
    const ports = portsOf({ release: () => undefined });
    const [said, meant] = [await ours(request(), ports), await trpcs(request(), ports)];
    expect(await said.text()).toBe('{"result":{"data":{}}}');
    expect(await meant.json()).toMatchObject({ result: { data: { json: null, meta: { values: ["undefined"] } } } });
  });

  it.each<[string, Request]>([
    ["another method", stream("attempts.release")],
    ["another content type", post("attempts.release", wellFormed, { "content-type": "text/plain" })],
    ["a batch", post("attempts.release?batch=1", wellFormed)],
  ])("by %s is refused", async (_name, request) => {
    const release = vi.fn();
    expect((await ours(request, portsOf({ release }))).status).toBe(400);
    expect(release).not.toHaveBeenCalled();
  });

  it("is read no further than it may be long, whether it says so or not", async () => {
    const body = JSON.stringify({ json: { attemptId: ATTEMPT, also: [] }, more: "x".repeat(1_000) });
    await expect(ours(post("attempts.release", body))).rejects.toMatchObject({ code: "payload_too_large" });
    const unsaid = post("attempts.release", body);
    unsaid.headers.delete("content-length");
    await expect(ours(unsaid)).rejects.toMatchObject({ code: "payload_too_large" });
  });

  it("whose body is not declared is answered like the others", async () => {
    const request = post("attempts.release", wellFormed);
    request.headers.delete("content-length");
    expect((await ours(request)).status).toBe(200);
  });
});
