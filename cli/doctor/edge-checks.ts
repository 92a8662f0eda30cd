/** What `doctor` looks at on the edge: whether it answers, its clock, its store, and what the key may do. */
import { z } from "zod";
import type { Fleet, Pod } from "../../client/mod.ts";
import { EDGE_ROUTES } from "../../contracts/edge/routes.ts";
import { FleetError, toFleetError } from "../../contracts/errors.ts";
import { allPods } from "../commands/find-pod.ts";
import { type Check, clockCheck, failed, ok, skipped } from "./check.ts";

const TIMEOUT_MS = 10_000;
/** The `date` header has whole seconds. */
const DATE_ROUNDING_MS = 1_000;

/** @param command what a person types, for what to do */
export async function reachEdge(baseUrl: string, command: string): Promise<Check[]> {
  const sentMs = Date.now();
  let response: Response;
  try {
    response = await fetch(`${baseUrl}${EDGE_ROUTES.readyz}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    const fix = `Check the URL and that the edge runs: '${command} up' starts one here.`;
    return [failed("edge", `${baseUrl} does not answer`, fix)];
  }
  const gotMs = Date.now();
  const text = await response.text().catch(() => "");
  const date = Date.parse(response.headers.get("date") ?? "");
  const clock = Number.isNaN(date)
    ? skipped("edge clock", "the edge does not say its time")
    : clockCheck("edge clock", date, { sentMs, gotMs, roundedMs: DATE_ROUNDING_MS });
  if (response.ok) return [ok("edge", `${baseUrl} answers`), clock];
  const fix = "Look at the edge's log; if this is no comfyfleet edge, mend the URL.";
  return [failed("edge", `${baseUrl} is not ready: HTTP ${response.status} ${text.slice(0, 100)}`, fix), clock];
}

/** The pods that the key may see; null when it may not. */
export async function checkKey(fleet: Fleet): Promise<{ check: Check; pods: Pod[] | null }> {
  try {
    const pods = await allPods(fleet);
    return { check: ok("key", "is in force and may see pods"), pods };
  } catch (error) {
    const known = toFleetError(error);
    const fix = known.code === "forbidden"
      ? "Use a key with the scope 'pods:read'; an administrator makes one with 'keys create --scope pods:read'."
      : known.hint ?? "Use another key; an administrator makes one with 'keys create'.";
    return { check: failed("key", known.message, fix), pods: null };
  }
}

const Healthz = z.object({
  components: z.array(
    z.object({ name: z.string(), status: z.string(), message: z.string(), fix: z.string().nullish() }),
  ),
});

/** What the edge says of itself at `/healthz`; its words on pods are asked of the pods. */
export async function checkStore(baseUrl: string, apiKey: string): Promise<Check> {
  try {
    const response = await fetch(`${baseUrl}${EDGE_ROUTES.healthz}`, {
      headers: { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { components } = Healthz.parse(await response.json());
    const store = components.find(({ name }) => name === "store");
    if (!store) throw new FleetError("internal", "Cannot read the edge's health: it names no store");
    if (store.status === "ok") return ok("edge store", store.message);
    return failed("edge store", store.message, store.fix ?? "Look at the edge's log.");
  } catch (error) {
    const why = FleetError.is(error) ? error.message : "the edge does not tell its health";
    return failed("edge store", why, "Look at the edge's log, and run the same version of edge and command.");
  }
}
