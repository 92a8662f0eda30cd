/** Services as the edge's contract offers them: what there is, one in detail, and the dry run of one input. */
import type { ServicesPort } from "../../contracts/edge/ports.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";
import { requireService, SERVICE_IDS, type ServiceId, SERVICES } from "../../contracts/services/registry.ts";
import { inputSchemaOf, type ServiceDetails, type ServiceSummary } from "../../contracts/services/views.ts";
import { createServicePlan, type ServicePlanOptions } from "./plan.ts";

function summaryOf(id: ServiceId): ServiceSummary {
  const { version, title, summary, aliases, variants, models } = SERVICES[id];
  const modelBytes = models.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { id, version, title, summary, aliases: [...aliases], variants: variants.map((one) => one.id), modelBytes };
}

function detailsOf(id: ServiceId): ServiceDetails {
  const { variants, outputs, models, requirements, warmUp } = SERVICES[id];
  return {
    ...summaryOf(id),
    inputSchema: inputSchemaOf(id),
    variants: variants.map((variant) => ({ id: variant.id, summary: variant.summary })),
    outputs: [...outputs],
    models: [...models],
    requirements: { ...requirements, classes: [...requirements.classes] },
    warmUp,
  };
}

/** By id; a cursor is the id of the last one seen. */
function pageOfServices({ limit, cursor }: PageRequest): Page<ServiceSummary> {
  const ids = SERVICE_IDS.toSorted();
  const last = cursor ?? null;
  if (last !== null && !ids.some((id) => id === last)) {
    throw new FleetError("invalid_input", "Cannot read this page: the cursor is none of ours", {
      hint: "Pass the nextCursor of the page before, unchanged, or none for the first page.",
    });
  }
  const rest = last === null ? ids : ids.filter((id) => id > last);
  const page = rest.slice(0, limit);
  return { items: page.map(summaryOf), nextCursor: rest.length > limit ? page.at(-1) ?? null : null };
}

export function createServices(options: ServicePlanOptions): ServicesPort {
  const plan = createServicePlan(options);
  return {
    // An async function turns what is thrown into a rejection.
    list: async (page) => pageOfServices(page),
    get: async (name) => detailsOf(requireService(name)),
    plan,
  };
}
