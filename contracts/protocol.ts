/** Versioning of the edge ↔ agent contract. Additive changes keep the number; a change of meaning raises it. */
import { z } from "zod";

/** A closed range of protocol versions that one side speaks. */
export const ProtocolRange = z.object({ min: z.int().min(1), max: z.int().min(1) });
export type ProtocolRange = z.infer<typeof ProtocolRange>;

/** What this build speaks, as edge and as agent. Version 2: an order may carry a partner key. */
export const PROTOCOL: ProtocolRange = { min: 1, max: 2 };

/** The highest version both sides speak, or null: then the edge refuses the pod (`ProtocolCompatible=false`). */
export function negotiate(ours: ProtocolRange, theirs: ProtocolRange): number | null {
  const highest = Math.min(ours.max, theirs.max);
  return highest >= Math.max(ours.min, theirs.min) ? highest : null;
}
