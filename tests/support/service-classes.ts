// `/object_info` bodies of the classes that services use, as a real ComfyUI described them.
import { compileService, modelUses } from "../../contracts/services/compile.ts";
import { SERVICE_IDS } from "../../contracts/services/registry.ts";
import { type ServiceSpec, ServiceSpecSchema } from "../../contracts/services/spec.ts";
import { readServiceClasses } from "./real-comfy/recordings.ts";

interface RecordedClass {
  input: { required: Record<string, unknown[]> };
}

const { classes } = await readServiceClasses();

/** A spec of FastWan, as the edge stores it but for a seed that is not in `input`. */
export function fastwanSpec(input: Record<string, unknown> = {}): ServiceSpec {
  return ServiceSpecSchema.parse({
    kind: "service",
    service: "fastwan2.2-5b",
    input: { prompt: "a ladybug", ...input },
  });
}

/** @param models false: no model is there, as when it was recorded; true: every one that the services ask for */
export function serviceClasses(models: boolean): Record<string, unknown> {
  const body = structuredClone(classes) as Record<string, RecordedClass>;
  if (!models) return body;
  const { workflow } = compileService(fastwanSpec({ seed: 0 }));
  for (const { classType, input, name } of SERVICE_IDS.flatMap((id) => modelUses(id, workflow))) {
    const spec = body[classType]?.input.required[input];
    if (spec) spec[0] = [name];
  }
  return body;
}
