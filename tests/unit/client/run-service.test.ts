import superjson from "superjson";
import { describe, expect, expectTypeOf, it } from "vitest";
import { createFleet, file, type Fleet, type ServiceInputs } from "../../../client/mod.ts";

const ASSET = {
  id: "asset_01jd8qf2e0f0x8j3m5p7q9s1tv",
  fileName: "leaf.png",
  contentType: "image/png",
  sizeBytes: 3,
  sha256: "a".repeat(64),
  blake3: null,
  createdAt: "2026-01-01T00:00:00.000Z",
};

/** An edge that takes files and refuses every job, and keeps what it was sent. */
function edge() {
  const sent: unknown[] = [];
  const uploads: string[] = [];
  const fetchFn: typeof fetch = async (input, init) => {
    const { pathname } = new URL(String(input));
    if (!pathname.startsWith("/trpc/")) {
      uploads.push(pathname);
      return Response.json(ASSET, { status: 201 });
    }
    sent.push(superjson.parse(await new Response(init?.body).text()));
    const fleet = { code: "internal", message: "enough", retryable: false };
    return Response.json({ error: superjson.serialize({ message: "", code: 0, data: { fleet } }) }, { status: 500 });
  };
  return { sent, uploads, fleet: createFleet({ baseUrl: "http://edge", apiKey: "cfl_x", fetch: fetchFn }) };
}

describe("run() of a service", () => {
  it("uploads files and sends the input as it was written, defaults left to the edge", async () => {
    const { sent, uploads, fleet } = edge();
    const image = file(new Blob(["png"]), "leaf.png");
    await fleet.run("fastwan2.2-5b", { prompt: "a ladybug", image, length: 81 }, { idempotencyKey: "k" }).submitted
      .catch(() => {});
    expect(uploads).toHaveLength(1);
    expect(sent).toEqual([{
      spec: {
        kind: "service",
        service: "fastwan2.2-5b",
        input: { prompt: "a ladybug", length: 81, image: { __type: "core/ASSET", info: { id: ASSET.id } } },
      },
      options: expect.objectContaining({ idempotencyKey: "k" }),
    }]);
  });

  it("refuses a wrong input before it uploads anything", async () => {
    const { sent, uploads, fleet } = edge();
    const input = { prompt: "a ladybug", image: file(new Blob(["png"]), "leaf.png"), width: 33 };
    await expect(fleet.run("fastwan2.2-5b", input).submitted).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("'width'"),
    });
    expect([sent, uploads]).toEqual([[], []]);
  });

  it("refuses a name of no service", async () => {
    const { fleet } = edge();
    // As a program without types would.
    const run = fleet.run as (service: string, input: object) => ReturnType<Fleet["run"]>;
    await expect(run("sora", {}).submitted).rejects.toMatchObject({ code: "not_found" });
  });

  it("infers the input's type from the service", () => {
    type Inputs = ServiceInputs<"fastwan2.2-5b">;
    expectTypeOf<Inputs["prompt"]>().toEqualTypeOf<string>();
    expectTypeOf<Inputs["width"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<ReturnType<typeof file>>().toExtend<Inputs["image"]>();
    expectTypeOf<ReturnType<typeof file>>().not.toExtend<Inputs["prompt"]>();
    expectTypeOf<{ prompt: string; width: string }>().not.toExtend<Inputs>();
    expectTypeOf<{ width: number }>().not.toExtend<Inputs>();
  });
});
