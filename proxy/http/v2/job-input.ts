/** The body of `POST /api/v2/jobs`. */
import { z } from "zod";
import { FleetError } from "../../../contracts/errors.ts";
import { type SubmitJob, SubmitOptions } from "../../../contracts/job.ts";
import { Metadata } from "../../../contracts/metadata.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import { parseWorkflow } from "../../../contracts/workflow-parse.ts";
import { wrongField } from "./errors.ts";
import { readFields } from "./json-body.ts";

/** Reserved by the contract for later versions of it. */
const RESERVED = ["webhook_url", "inputs"];
const MAX_PARTNER_KEY_CHARS = 1_024;

/** What is in `extra_data` may be a credential, so that its refusal repeats nothing of it. */
const ExtraData = z.strictObject({ api_key_comfy_org: z.string().min(1).max(MAX_PARTNER_KEY_CHARS).nullish() });
const Body = z.strictObject({
  workflow: z.unknown().optional(),
  extra_data: z.unknown().optional(),
  metadata: z.unknown().optional(),
});

export interface JobInput {
  workflow: Workflow;
  metadata: Metadata | undefined;
  /** A credential: handed on as an argument, and named in no message. */
  partnerKey: string | undefined;
}

/** What is there, since null counts as absent. */
function given(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

function refuseReserved(body: Record<string, unknown>): void {
  const reserved = RESERVED.find((name) => Object.hasOwn(body, name));
  if (reserved === undefined) return;
  throw new FleetError("invalid_workflow", `Cannot submit the job: '${reserved}' is reserved and not taken yet`, {
    hint: "Leave it out.",
  });
}

function partnerKeyOf(extraData: unknown): string | undefined {
  const parsed = ExtraData.optional().safeParse(extraData);
  if (parsed.success) return parsed.data?.api_key_comfy_org ?? undefined;
  throw wrongField("Cannot submit the job: extra_data is not understood", {
    hint: `It may hold 'api_key_comfy_org', of 1 to ${MAX_PARTNER_KEY_CHARS} characters, and nothing else.`,
    details: { issues: [{ field: "extra_data", reason: "expected an object with api_key_comfy_org alone" }] },
  });
}

/** @throws FleetError `invalid_workflow`, `workflow_format_ui`, `metadata_invalid`, `invalid_input` (422) */
export function readJobInput(raw: Record<string, unknown>): JobInput {
  const body = given(raw);
  refuseReserved(body);
  const { workflow, extra_data, metadata } = readFields(Body, body);
  const partnerKey = partnerKeyOf(extra_data);
  if (workflow === undefined) {
    throw new FleetError("invalid_workflow", "Cannot submit the job: it has no workflow", {
      hint: 'Send { "workflow": … } with a graph in API format.',
    });
  }
  return {
    workflow: parseWorkflow(workflow),
    metadata: metadata === undefined ? undefined : Metadata.parse(metadata),
    partnerKey,
  };
}

export function submitOf(workflow: Workflow, metadata: Metadata | undefined): SubmitJob {
  const options = SubmitOptions.parse({});
  return {
    spec: { kind: "workflow", workflow },
    options: metadata === undefined ? options : { ...options, metadata },
  };
}
