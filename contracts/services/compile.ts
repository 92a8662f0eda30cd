/** A service's parsed input → the graph that serves it. Pure. */
import type { Workflow } from "../workflow.ts";
import { type ServiceId, SERVICES } from "./registry.ts";
import type { Seeded } from "./service.ts";
import type { ServiceSpec, ServiceUse } from "./spec.ts";

export interface CompiledVariant {
  variant: string;
  workflow: Workflow;
}

/** @param randomSeed called only when the caller named no seed */
export function withSeed(spec: ServiceSpec, randomSeed: () => number): ServiceSpec {
  return spec.input.seed === undefined ? { ...spec, input: { ...spec.input, seed: randomSeed() } } : spec;
}

function seededInput(spec: ServiceSpec): Seeded<ServiceSpec["input"]> {
  const { seed } = spec.input;
  if (seed === undefined) throw new TypeError(`Cannot compile service '${spec.service}': its seed is not fixed`);
  return { ...spec.input, seed };
}

/** @throws TypeError before the seed is fixed */
export function serviceUse(spec: ServiceSpec): ServiceUse {
  return { id: spec.service, version: spec.version, seed: seededInput(spec).seed };
}

/** The variant that serves the input. @throws TypeError before the seed is fixed */
export function compileService(spec: ServiceSpec): CompiledVariant {
  const input = seededInput(spec);
  const variant = SERVICES[spec.service].variants.find((candidate) => candidate.accepts(input));
  if (!variant) throw new TypeError(`Cannot compile service '${spec.service}': no variant serves the input`);
  return { variant: variant.id, workflow: variant.build(input) };
}

/** One input of a graph that names a model file. */
export interface ModelUse {
  classType: string;
  input: string;
  name: string;
}

/** Where a graph asks for files of the service's manifest. */
export function modelUses(service: ServiceId, workflow: Workflow): ModelUse[] {
  const names = new Set(SERVICES[service].models.map(({ name }) => name));
  return Object.values(workflow).flatMap(({ class_type, inputs }) =>
    Object.entries(inputs).flatMap(([input, value]) =>
      typeof value === "string" && names.has(value) ? [{ classType: class_type, input, name: value }] : []
    )
  );
}
