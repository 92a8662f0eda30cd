/** An agent's verdict as an edge reads it: an older agent has none, and a newer one may know more words. */
import { z } from "zod";
import { MAX_GPU_REASONS } from "../bounds.ts";
import { GpuAction, GpuNodeHint, GpuReason, GpuState, GpuVerdict } from "./gpu.ts";

/**
 * A state that this version does not know is `unknown`, which keeps the pod at work; reasons that it cannot read are left
 * out. A verdict that is none at all, or missing, is null.
 */
export const TolerantVerdict = GpuVerdict.extend({
  state: GpuState.catch("unknown"),
  action: GpuAction.catch("none"),
  nodeHint: GpuNodeHint.nullable().catch(null),
  reasons: z.array(z.unknown()).transform((items) =>
    items.slice(0, MAX_GPU_REASONS).flatMap((item) => {
      const reason = GpuReason.safeParse(item);
      return reason.success ? [reason.data] : [];
    })
  ),
}).nullable().catch(null);
