/** What the edge's word about the one local pod means for a start. Pure. */
import type { Condition, Pod } from "../../contracts/pod.ts";

export type PodReadiness =
  | { is: "ready" }
  | { is: "waiting"; what: string }
  /** Waiting longer changes nothing. */
  | { is: "hopeless"; condition: Condition };

/** Reasons that only a person can take away. */
const PERMANENT = new Set(["WrongPod", "Unauthorized", "Forbidden", "NoCommonVersion"]);
/** How long such a reason of an earlier start counts as not looked at again: a few beats. */
const OLD_NEWS_MS = 20_000;

/** @param sinceMs when this start began: what an earlier life of the edge knew of its pod does not count */
export function podReadiness(
  pods: readonly Pod[],
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
): PodReadiness {
  const [pod] = pods;
  const met = pod?.lastSeenAt && Date.parse(pod.lastSeenAt) >= sinceMs;
  if (pod && met && pod.phase === "ready") return { is: "ready" };
  const bad = pod?.conditions.filter(({ status }) => status !== "true") ?? [];
  const isNews = (condition: Condition) => Date.parse(condition.since) >= sinceMs;
  const final = bad.find((condition) =>
    condition.status === "false" && PERMANENT.has(condition.reason) &&
    (isNews(condition) || nowMs - sinceMs > OLD_NEWS_MS)
  );
  if (final) return { is: "hopeless", condition: final };
  if (!pod || !met) {
    const why = bad.find(isNews);
    return { is: "waiting", what: `the edge to meet the pod${why ? ` (${why.message})` : ""}` };
  }
  return { is: "waiting", what: `the pod (${bad[0]?.message ?? pod.phase})` };
}
