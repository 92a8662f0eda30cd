/** What an order needs before it can be taken. */
import type { StartAttempt } from "../../contracts/attempt.ts";
import { assetUses } from "../../contracts/workflow.ts";
import type { InputStore } from "./input-store.ts";
import { missingAsset } from "./rewrite.ts";
import { usedInputs } from "./stage-inputs.ts";

/**
 * Hashes of the inputs that the graph uses and this pod does not have.
 * @throws FleetError where the graph uses an asset that the order does not bring
 */
export function missingInputs(order: StartAttempt, inputs: Pick<InputStore, "has">): string[] {
  const assets = new Set(order.inputs.map((input) => input.assetId as string));
  for (const use of assetUses(order.workflow)) if (!assets.has(use.assetId)) throw missingAsset(use.assetId);
  return [...new Set(usedInputs(order).map(({ sha256 }) => sha256).filter((sha256) => !inputs.has(sha256)))];
}
