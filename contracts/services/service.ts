/**
 * What a service is: a typed, versioned GPU capability. Its input schema says what a caller may ask for, its variants
 * build the graphs that do it, its manifest names the files a pod must have. Pure data and functions, no I/O.
 */
import type { z } from "zod";
import type { OutputType } from "../asset.ts";
import type { Workflow } from "../workflow.ts";

/** One model file, where it comes from and where it goes. */
export interface ServiceModel {
  /** File name, as the graph's loader asks for it. */
  name: string;
  /** Folder below ComfyUI's `models`. */
  folder: string;
  /** Hugging Face repository, commit and path within it. */
  repo: string;
  revision: string;
  path: string;
  sizeBytes: number;
  sha256: string;
  /** How many independent public manifests give this hash: two or more, or one. */
  confidence: "multi" | "single";
}

/** An input that was parsed, with its seed fixed: what a graph is built from. */
export type Seeded<Input> = Input & { seed: number };

/** One way to do what the service does, as one graph. */
export interface ServiceVariant<Input> {
  id: string;
  summary: string;
  /** Whether this variant serves the input; of every input exactly one variant says so. */
  accepts(input: Input): boolean;
  /** Equal inputs give equal graphs. */
  build(input: Seeded<Input>): Workflow;
}

/** A file that a successful job brings, by the node that saves it. */
export interface ServiceOutput {
  name: string;
  nodeId: string;
  type: OutputType;
  contentType: string;
}

export interface ServiceRequirements {
  /** Below it a pod cannot run the service, even with weights offloaded to system memory. */
  minVramBytes: number;
  /** From here on nothing has to be offloaded. */
  recommendedVramBytes: number;
  /** Sorted node classes that ComfyUI must have, over all variants. */
  classes: readonly string[];
}

/** `seed` is optional in the request and fixed at submit. */
export type ServiceInputSchema = z.ZodObject<Record<string, z.ZodType> & { seed: z.ZodType<number | undefined> }>;

export interface ServiceDefinition<Id extends string, Schema extends ServiceInputSchema> {
  id: Id;
  /** Rises when equal inputs no longer mean equal graphs. */
  version: number;
  title: string;
  summary: string;
  /** Other names that callers may use. */
  aliases: readonly string[];
  input: Schema;
  outputs: readonly ServiceOutput[];
  variants: readonly ServiceVariant<z.output<Schema>>[];
  models: readonly ServiceModel[];
  requirements: ServiceRequirements;
  /** The cheapest input that loads every model. */
  warmUp: Seeded<z.input<Schema>>;
}

/** Checks the definition's parts against each other and keeps its exact type. */
export function defineService<Id extends string, Schema extends ServiceInputSchema>(
  definition: ServiceDefinition<Id, Schema>,
): ServiceDefinition<Id, Schema> {
  return definition;
}
