import { describe, expect, it } from "vitest";
import { exportGraph } from "../../../../cli/commands/services.ts";
import { serviceDetails, serviceRow } from "../../../../cli/output/service-lines.ts";
import { createServices } from "../../../../proxy/services/services.ts";

const services = createServices({
  store: { listQueue: () => Promise.resolve([]), getNeeds: () => Promise.resolve(new Map()) },
  sessions: { live: () => [] },
  objectInfo: { get: () => Promise.resolve(null), known: () => Promise.resolve([]) },
});

describe("exportGraph()", () => {
  it("builds the graph of an alias, with a drawn seed that it tells", () => {
    const exported = exportGraph("fastwan2.2-5b-packed", ["prompt=a ladybug", "length=81"], () => 99);
    expect(exported).toMatchObject({ service: "fastwan2.2-5b", version: 1, variant: "t2v", seed: 99 });
    expect(exported.workflow["3"]?.inputs.seed).toBe(99);
    expect(exported.workflow["55"]?.inputs.length).toBe(81);
    expect(exportGraph("fastwan2.2-5b", ["prompt=a ladybug", "length=81", "seed=99"], () => 1)).toEqual(exported);
  });

  it("names files as ComfyUI's input folder would have them, and opens none", () => {
    const { workflow, variant } = exportGraph("fastwan2.2-5b", ["prompt=x", "image=@no/such/leaf.png"], () => 1);
    expect([variant, workflow["56"]?.inputs.image]).toEqual(["i2v", "leaf.png"]);
  });

  it.each([
    ["sora", ["prompt=x"], "not_found"],
    ["fastwan2.2-5b", [], "invalid_input"],
    ["fastwan2.2-5b", ["prompt=x", "fps=0"], "invalid_input"],
    ["fastwan2.2-5b", ["prompt=x", "negative_prompt=y"], "invalid_input"],
  ])("refuses %s with %j", (service, inputs, code) => {
    expect(() => exportGraph(service, inputs, () => 1)).toThrow(expect.objectContaining({ code }));
  });
});

describe("service lines", () => {
  it("show what a service takes, makes and needs", async () => {
    const text = serviceDetails(await services.get("fastwan2.2-5b"));
    expect(text).toContain("prompt          string, required. What the clip shows.");
    expect(text).toContain("width           integer 32 to 1280, multiple of 32, default 1280.");
    expect(text).toMatch(/image +file\. The first frame/);
    expect(text).toContain("models/vae/wan2.2_vae.safetensors  1.4 GB");
    expect(text).toContain("models, 18.8 GB");
    expect(text).toContain("8 GiB at least, 24 GiB");
    expect(text).toContain("Wan22ImageToVideoLatent");
    const [row] = (await services.list({ limit: 10 })).items.map(serviceRow);
    expect(row).toMatch(/^fastwan2\.2-5b {2}version 1 {2}18\.8 GB of models/);
  });
});
