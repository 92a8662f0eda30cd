/** `comfyfleet doctor`: every check a line, every failure with what to do. Exit code 1 when something failed. */
import { createFleet, type Fleet, type Pod } from "../../client/mod.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { CliContext } from "../context.ts";
import { directPodChecks } from "./direct-pod.ts";
import { type Credentials, resolveCredentials } from "../credentials.ts";
import { type Check, failed } from "../doctor/check.ts";
import { checkKey, checkStore, reachEdge } from "../doctor/edge-checks.ts";
import { askDeno, denoCheck, diskCheck, freeBytesIn, nodeCheck } from "../doctor/machine-checks.ts";
import { knownPodChecks, livePodChecks } from "../doctor/pod-checks.ts";
import { directPod } from "../pod/target.ts";
import { tailnetChecks } from "./tailnet.ts";
import { orAborted } from "../interruption.ts";
import { printChecks } from "../output/check-lines.ts";

export interface DoctorFlags {
  url?: string;
  key?: string;
  data: string;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** Pods that are asked at a time. */
const AT_A_TIME = 8;

async function podChecks(fleet: Fleet, pods: readonly Pod[], command: string): Promise<Check[]> {
  const found: Check[][] = [];
  for (let at = 0; at < pods.length; at += AT_A_TIME) {
    const part = pods.slice(at, at + AT_A_TIME).map(async (pod) => {
      const known = knownPodChecks(pod, command);
      const answers = known[0]?.status === "ok";
      return [...known, ...(answers ? await livePodChecks(fleet, pod, command) : [])];
    });
    found.push(...await Promise.all(part));
  }
  return found.flat();
}

async function fleetChecks(credentials: Credentials, command: string): Promise<Check[]> {
  const { apiKey } = credentials;
  const baseUrl = credentials.baseUrl.replace(/\/+$/, "");
  const edge = await reachEdge(baseUrl, command);
  if (edge.some(({ name, status }) => name === "edge" && status === "failed")) return edge;
  const fleet = createFleet({ baseUrl, apiKey, requestTimeoutMs: REQUEST_TIMEOUT_MS });
  const { check, pods } = await checkKey(fleet);
  if (pods === null) return [...edge, check];
  const store = await checkStore(baseUrl, apiKey);
  const tailnet = await tailnetChecks(fleet);
  const fix = tailnet.length > 0
    ? `Make keys for pods with '${command} pods enroll'.`
    : `Name pods in EDGE_PODS, or start everything on this machine with '${command} up'.`;
  const none = pods.length === 0 ? [failed("pods", "the edge knows no pod", fix)] : [];
  return [...edge, check, store, ...tailnet, ...none, ...await podChecks(fleet, pods, command)];
}

/** Which edge and key: nothing to look at where nobody says. */
function credentialsOf(context: CliContext, flags: DoctorFlags): Credentials | Check {
  try {
    return resolveCredentials(flags, context);
  } catch (error) {
    if (!FleetError.is(error)) throw error;
    return failed("edge", error.message, error.hint ?? "Name an edge with --url and a key with --key.");
  }
}

async function allChecks(context: CliContext, flags: DoctorFlags): Promise<Check[]> {
  if (context.podHost !== undefined) return await directPodChecks(directPod(context, context.podHost));
  const machine = [
    nodeCheck(process.versions.node),
    denoCheck(await askDeno(context.env)),
    diskCheck(flags.data, await freeBytesIn(flags.data)),
  ];
  const credentials = credentialsOf(context, flags);
  if ("status" in credentials) return [...machine, credentials];
  return [...machine, ...await fleetChecks(credentials, context.command)];
}

export async function doctor(context: CliContext, flags: DoctorFlags): Promise<number> {
  const checks = await orAborted(allChecks(context, flags), context.interrupted);
  return printChecks(context.render, checks);
}
