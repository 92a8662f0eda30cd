/** Services as lines of text. */
import { z } from "zod";
import type { ServiceDetails, ServiceSummary } from "../../contracts/services/views.ts";

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function gibibytes(bytes: number): string {
  return `${Number((bytes / 2 ** 30).toFixed(1))} GiB`;
}

export function serviceRow({ id, version, summary, modelBytes }: ServiceSummary): string {
  return `${id}  version ${version}  ${gigabytes(modelBytes)} of models  ${summary}`;
}

/** What is shown of a field's JSON Schema; a newer edge may say more. */
const Field = z.object({
  type: z.string().nullish().catch(null),
  description: z.string().nullish().catch(null),
  default: z.unknown().optional(),
  minimum: z.number().nullish().catch(null),
  maximum: z.number().nullish().catch(null),
  multipleOf: z.number().nullish().catch(null),
});
const Schema = z.object({
  properties: z.record(z.string(), Field).catch({}),
  required: z.array(z.string()).catch([]),
});

function fieldLines(inputSchema: Record<string, unknown>): string[] {
  const { properties, required } = Schema.parse(inputSchema);
  const width = Math.max(...Object.keys(properties).map((name) => name.length), 0);
  return Object.entries(properties).map(([name, field]) => {
    const kind = field.type === "object" ? "file" : field.type ?? "value";
    const range = typeof field.minimum === "number" && typeof field.maximum === "number"
      ? ` ${field.minimum} to ${field.maximum}`
      : "";
    const step = field.multipleOf ? `, multiple of ${field.multipleOf}` : "";
    const isShort = field.default !== undefined && JSON.stringify(field.default).length <= 20;
    const fallback = required.includes(name)
      ? ", required"
      : isShort
      ? `, default ${JSON.stringify(field.default)}`
      : "";
    return `  ${name.padEnd(width)}  ${kind}${range}${step}${fallback}. ${field.description ?? ""}`.trimEnd();
  });
}

export function serviceDetails(details: ServiceDetails): string {
  const { id, version, title, summary, aliases, variants, outputs, models, requirements, modelBytes } = details;
  const { minVramBytes, recommendedVramBytes, classes } = requirements;
  return [
    `${id}  version ${version}  ${title}`,
    summary,
    ...(aliases.length > 0 ? [`Also called ${aliases.join(", ")}.`] : []),
    "",
    "inputs",
    ...fieldLines(details.inputSchema),
    "variants",
    ...variants.map((variant) => `  ${variant.id}  ${variant.summary}`),
    "outputs",
    ...outputs.map((output) => `  ${output.name}  ${output.contentType}, from node ${output.nodeId}`),
    `models, ${gigabytes(modelBytes)}`,
    ...models.map((model) =>
      `  models/${model.folder}/${model.name}  ${gigabytes(model.sizeBytes)}\n    sha256 ${model.sha256}\n    ` +
      `${model.repo} ${model.path} at ${model.revision.slice(0, 12)}`
    ),
    "needs",
    `  GPU memory  ${gibibytes(minVramBytes)} at least, ${gibibytes(recommendedVramBytes)} to hold everything`,
    `  classes     ${classes.join(", ")}`,
  ].join("\n");
}
