/** Foreign input → the input of a service, or a typed error that names the field and says what would do. */
import type { z } from "zod";
import { FleetError } from "../errors.ts";
import { firstFew, shorten } from "../shorten.ts";
import { type ServiceId, type ServiceInput, SERVICES } from "./registry.ts";

const MAX_ISSUES = 20;

function comparable(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9]/g, "").toLowerCase();
}

/** `negative_prompt` was `negativePrompt`. */
function unknownFieldHint(unknown: readonly string[], fields: readonly string[]): string {
  const meant = unknown.flatMap((name) => fields.find((field) => comparable(field) === comparable(name)) ?? []);
  const guess = meant[0] === undefined ? "" : `Did you mean '${meant[0]}'? `;
  return `${guess}Fields are ${fields.join(", ")}.`;
}

function describe(issue: z.core.$ZodIssue): { path: string; message: string } {
  if (issue.code === "unrecognized_keys") {
    const names = firstFew(issue.keys.map((key) => `'${shorten(key)}'`));
    return { path: issue.path.join("."), message: `There is no field ${names}` };
  }
  return { path: shorten(issue.path.join("."), 300), message: shorten(issue.message, 300) };
}

/** @throws FleetError `invalid_input` with `details.issues`, for anything that the schema refuses, unknown fields too */
export function parseServiceInput<Id extends ServiceId>(service: Id, input: unknown): ServiceInput<Id> {
  const { input: schema } = SERVICES[service];
  const parsed = schema.safeParse(input ?? {});
  // Of the schema that `service` names: TypeScript cannot follow the pair through the table.
  if (parsed.success) return parsed.data as ServiceInput<Id>;
  const { issues } = parsed.error;
  const described = issues.slice(0, MAX_ISSUES).map(describe);
  const unknown = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys : []
  );
  const [first] = described;
  const where = first?.path ? `'${first.path}': ` : "";
  throw new FleetError("invalid_input", `Cannot run service '${service}': ${where}${first?.message}`, {
    hint: unknown.length > 0
      ? unknownFieldHint(unknown.map((name) => shorten(name)), Object.keys(schema.shape))
      : "Mend the fields in details.issues; services.get tells what each takes.",
    details: { issues: described },
  });
}
