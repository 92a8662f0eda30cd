// Steps that tests of an attempt's end repeat.
import { createHash } from "node:crypto";
import { outputPath } from "../../../../contracts/agent/routes.ts";
import type { AttemptOutput, AttemptReport, StartAttempt } from "../../../../contracts/attempt.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import type { PodSide } from "../pods/pod-side.ts";

/** A job that runs, its agent's slot still busy. */
export async function running(side: PodSide) {
  await side.start();
  const { id } = await side.submit();
  await side.dispatch(id);
  return { id, order: side.lastStart() };
}

/** Gives the agent an output with this text and describes it as a report does. */
export function output(
  side: PodSide,
  order: StartAttempt,
  of: { text: string; index?: number; name?: string },
): AttemptOutput {
  const bytes = new TextEncoder().encode(of.text);
  const index = of.index ?? 0;
  side.agent.outputs.set(outputPath(order.attemptId, index), bytes);
  return {
    index,
    nodeId: "9",
    name: of.name ?? `out_${index}.png`,
    contentType: "image/png",
    sizeBytes: bytes.byteLength,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    temporary: false,
  };
}

export function succeeded(order: StartAttempt, outputs: AttemptOutput[]): AttemptReport {
  return reportOf(order, "succeeded", { outputs });
}
