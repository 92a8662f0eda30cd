import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { SERVICE_IDS, SERVICES } from "../../../../contracts/services/registry.ts";
import { compileService } from "../../../../contracts/services/compile.ts";
import { NODE_CLASSES } from "../../../../fake-comfy/nodes/registry.ts";
import type { Json } from "../../../../fake-comfy/python.ts";
import { SERVICE_MODELS } from "../../../../fake-comfy/services/models.ts";
import { serviceClasses } from "../../../../fake-comfy/services/registry.ts";
import { validatePrompt } from "../../../../fake-comfy/validation/prompt.ts";
import { readServiceClasses } from "../../../support/real-comfy/recordings.ts";
import { fastwanSpec } from "../../../support/service-classes.ts";

const base = tmpdir();
const directories = { base, input: base, output: base, temp: base, models: base, user: base };

function validate(models: "models" | "classes", input: Record<string, unknown> = {}) {
  const { workflow } = compileService(fastwanSpec({ seed: 1, ...input }));
  const classes = new Map([...NODE_CLASSES, ...serviceClasses(models)]);
  return validatePrompt(structuredClone(workflow) as unknown as Json, null, { classes, directories });
}

describe("serviceClasses()", () => {
  it("brings every class that a service needs, as a real ComfyUI describes it", async () => {
    const { classes } = await readServiceClasses();
    const played = serviceClasses("classes");
    for (const name of SERVICE_IDS.flatMap((id) => SERVICES[id].requirements.classes)) {
      if (!NODE_CLASSES.has(name)) {
        expect([name, played.get(name)?.describe(directories)]).toEqual([name, classes[name]]);
      }
    }
  });

  it("lists the names of the services' manifests and no others", () => {
    const listed = Object.values(SERVICE_MODELS).flatMap((inputs) => Object.values(inputs).flat());
    const named = SERVICE_IDS.flatMap((id) => SERVICES[id].models.map(({ name }) => name));
    expect(listed.toSorted()).toEqual(named.toSorted());
  });

  it("accepts a service's graph with its models, and without them refuses exactly their names", () => {
    expect(validate("models")).toMatchObject({ ok: true, outputs: ["58"], nodeErrors: {} });
    const refused = validate("classes");
    expect(refused.ok).toBe(false);
    const errors = Object.values(refused.nodeErrors).flatMap((node) =>
      (node as { errors: { type: string; extra_info: { received_value: string } }[] }).errors
    );
    expect(errors.map(({ type, extra_info }) => `${type}: ${extra_info.received_value}`).toSorted()).toEqual(
      SERVICES["fastwan2.2-5b"].models.map(({ name }) => `value_not_in_list: ${name}`).toSorted(),
    );
  });
});

describe("test-clip.mp4", () => {
  it("is a small MP4", () => {
    const bytes = readFileSync(new URL("../../../../fake-comfy/services/test-clip.mp4", import.meta.url));
    expect(bytes.subarray(4, 8).toString("latin1")).toBe("ftyp");
    expect(bytes.byteLength).toBeLessThan(50_000);
  });
});
