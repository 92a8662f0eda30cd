/** How an agent says that it stands on its tailnet, over its own socket. */
import { z } from "zod";
import { until } from "../fleet/until.ts";
import type { TailnetPod } from "./pod.ts";

const Health = z.object({ tailnet: z.object({ state: z.string(), message: z.string(), fix: z.string().nullable() }) });

/** Once it says `state`, with the status of the whole answer. */
export async function standing(pod: TailnetPod, state: string, timeoutMs = 20_000) {
  let seen: unknown = null;
  try {
    return await until(`${pod.name} to say ${state}`, async () => {
      const answer = await pod.health("/readyz").catch(() => null);
      const view = seen = answer && Health.parse(JSON.parse(answer.body)).tailnet;
      return view?.state === state ? { ...view, status: answer?.status } : null;
    }, timeoutMs);
  } catch (cause) {
    throw new Error(`${String(cause)}; it says ${JSON.stringify(seen)}`, { cause });
  }
}
