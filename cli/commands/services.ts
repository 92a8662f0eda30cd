/** `comfyfleet services ls|show|export`. */
import { requireService, Upload } from "../../client/mod.ts";
import { compileService, serviceUse, withSeed } from "../../contracts/services/compile.ts";
import { ServiceSpecSchema } from "../../contracts/services/spec.ts";
import { isAssetReference, mapInputs, type Workflow } from "../../contracts/workflow.ts";
import type { CliContext } from "../context.ts";
import { orAborted } from "../interruption.ts";
import { EXIT } from "../output/exit-codes.ts";
import { type PageFlags, printPage } from "../page.ts";
import { serviceDetails, serviceRow } from "../output/service-lines.ts";
import { parseServiceInputs } from "../service-inputs.ts";

export interface ServicesFlags {
  url?: string;
  key?: string;
}

export async function listServices(context: CliContext, flags: PageFlags): Promise<number> {
  const { limit, cursor } = flags;
  const listed = context.fleet(flags).call((trpc) => trpc.services.list.query({ limit, cursor }));
  const page = await orAborted(listed, context.interrupted);
  return printPage(context, page, { text: page.items.map(serviceRow).join("\n") });
}

export async function showService(context: CliContext, service: string, flags: ServicesFlags): Promise<number> {
  const fleet = context.fleet(flags);
  const details = await orAborted(fleet.call((trpc) => trpc.services.get.query({ service })), context.interrupted);
  context.render.result(details, serviceDetails(details));
  return EXIT.ok;
}

/** Ids for files that are named and not uploaded. */
function placeholder(index: number): string {
  return `asset_${String(index).padStart(26, "0")}`;
}

export interface ExportedGraph {
  service: string;
  version: number;
  variant: string;
  seed: number;
  workflow: Workflow;
}

/**
 * The graph that a job with this input would run, with files by the name that they are to have in ComfyUI's input folder.
 * @throws FleetError `not_found` for a name of no service, `invalid_input` as submit would
 */
export function exportGraph(name: string, inputs: readonly string[], randomSeed: () => number): ExportedGraph {
  const service = requireService(name);
  const files = new Map<string, string>();
  const input = Object.entries(parseServiceInputs(service, inputs)).map(([field, value]: [string, unknown]) => {
    if (!(value instanceof Upload)) return [field, value];
    const id = placeholder(files.size);
    files.set(id, value.name);
    return [field, { __type: "core/ASSET", info: { id } }];
  });
  const asked = ServiceSpecSchema.parse({ kind: "service", service, input: Object.fromEntries(input) });
  const spec = withSeed(asked, randomSeed);
  const { variant, workflow } = compileService(spec);
  const named = mapInputs(workflow, (value) => isAssetReference(value) ? files.get(value.info.id) ?? value : value);
  const { id, version, seed } = serviceUse(spec);
  return { service: id, version, variant, seed, workflow: named };
}

/** The seed is said, so that the graph can be made again. */
export async function exportService(context: CliContext, name: string, flags: { input?: string[] }): Promise<number> {
  const exported = exportGraph(name, flags.input ?? [], () => Math.floor(Math.random() * 2 ** 48));
  context.render.say(`${exported.service} version ${exported.version}, ${exported.variant}, seed ${exported.seed}`);
  context.render.result(exported, JSON.stringify(exported.workflow, null, 2));
  return EXIT.ok;
}
