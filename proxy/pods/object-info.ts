/** `/object_info` bodies: fetched from whichever pod first names the hash, checked, and kept for every pod that has it. */
import { createHash } from "node:crypto";
import { objectInfoPath } from "../../contracts/agent/routes.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { PodStore } from "../store/pod-store.ts";
import { errorOfResponse } from "./agent-error.ts";
import { limitedBody, MAX_OBJECT_INFO_BYTES } from "./answer-limit.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import type { Agents } from "./port.ts";

export interface ObjectInfoOptions {
  store: Pick<PodStore, "seeObjectInfo" | "putObjectInfo">;
  agents: Agents;
  clock: Clock;
  timeoutMs: number;
}

/**
 * Makes sure that the store has the body with this hash.
 * @throws FleetError `not_found` once the pod has another one, `hash_mismatch`, `agent_unreachable`, `timeout`.
 */
export async function ensureObjectInfo(
  options: ObjectInfoOptions,
  wanted: { podId: PodId; sha256: string },
  signal: AbortSignal,
): Promise<void> {
  const { store, agents, clock, timeoutMs } = options;
  // Seen now: it must not be dropped before this pod's next beat names it.
  if (await store.seeObjectInfo(wanted.sha256)) return;
  const body = await withDeadline(
    { clock, timeoutMs, signal, action: "fetch the pod's object info" },
    async (inner) => {
      const response = await agents.fetch(wanted.podId, objectInfoPath(wanted.sha256), { signal: inner });
      if (response.status !== 200) throw await errorOfResponse(response);
      // Not bytes(): the Response that @hono/node-server puts in place of Node's has none.
      return new Uint8Array(await limitedBody(response, MAX_OBJECT_INFO_BYTES).arrayBuffer());
    },
  );
  if (createHash("sha256").update(body).digest("hex") !== wanted.sha256) {
    throw new FleetError("hash_mismatch", "Cannot keep the pod's object info: its bytes do not have the hash it named");
  }
  await store.putObjectInfo({ sha256: wanted.sha256, body: new TextDecoder().decode(body) });
}
