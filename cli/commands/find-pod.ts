/** Which pod a person means: its id or name, or enough of either. */
import type { Fleet, Pod } from "../../client/mod.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { orAborted } from "../interruption.ts";

const MAX_NAMED = 5;

/** Every pod, over all pages. */
export async function allPods(fleet: Fleet): Promise<Pod[]> {
  const pods: Pod[] = [];
  let cursor: string | null = null;
  do {
    const page = await fleet.call((trpc) => trpc.pods.list.query({ limit: 100, cursor }));
    pods.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return pods;
}

/**
 * An exact id wins, then an exact name; else the one pod whose id begins or ends so, or whose name begins so. Pods of a
 * tailnet choose their names: where two have the same, neither is meant.
 * @throws FleetError `not_found`, `invalid_input` when more than one fits
 */
export function choosePod(pods: readonly Pod[], wanted: string): Pod {
  const exact = pods.find(({ id }) => id === wanted);
  if (exact) return exact;
  const named = pods.filter(({ name }) => name === wanted);
  const fits = ({ id, name }: Pod) => {
    const suffix = id.slice("pod_".length);
    return id.startsWith(wanted) || suffix.startsWith(wanted) || id.endsWith(wanted) || name.startsWith(wanted);
  };
  const fitting = () => (wanted === "" ? [] : pods.filter(fits));
  const found = named.length > 0 ? named : fitting();
  const [only] = found;
  if (only && found.length === 1) return only;
  if (!only) {
    throw new FleetError("not_found", `Cannot find pod '${wanted}': no id or name fits`, {
      hint: "'pods ls' shows every pod.",
    });
  }
  const some = found.slice(0, MAX_NAMED).map(({ name, id }) => `${name} (${id})`).join(", ");
  throw new FleetError("invalid_input", `Cannot tell which pod '${wanted}' is: ${found.length} fit`, {
    hint: `Name one of ${some}${found.length > MAX_NAMED ? ", …" : ""}.`,
  });
}

export async function findPod(context: CliContext, fleet: Fleet, wanted: string): Promise<Pod> {
  return choosePod(await orAborted(allPods(fleet), context.interrupted), wanted);
}
