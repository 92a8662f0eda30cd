/** `--input NAME=VALUE` for a service, whose schema says which inputs are texts. */
import { z } from "zod";
import type { ServiceId, ServiceInputs } from "../client/mod.ts";
import { inputSchemaOf } from "../contracts/services/views.ts";
import { parseInputs } from "./inputs.ts";

const Schema = z.object({ properties: z.record(z.string(), z.object({ type: z.string().nullish() })) });

/** What the edge and the client refuse is left to them. @throws FleetError `invalid_input` for one without a name and `=` */
export function parseServiceInputs<Id extends ServiceId>(service: Id, inputs: readonly string[]): ServiceInputs<Id> {
  const { properties } = Schema.parse(inputSchemaOf(service));
  const values = parseInputs(inputs, {
    name: "NAME",
    examples: "For example --input prompt='a cat', --input width=960, --input image=@cat.png.",
    isText: (name) => Object.hasOwn(properties, name) && properties[name]?.type === "string",
  });
  // Parsed by the service's own schema before anything is uploaded.
  return values as unknown as ServiceInputs<Id>;
}
