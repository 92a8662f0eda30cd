/** Where the SDK suites play: a fleet of two pods, of the stand-in or of a real ComfyUI, behind an edge of either runtime. */
import { type Comfy, type ComfyOptions } from "@comfyorg/sdk";
import type { ComfyLow } from "@comfyorg/sdk/low";
import type { Scope } from "../../../contracts/tenant.ts";
import { targetKind } from "../comfy-target.ts";
import type { EdgeRuntime } from "../fleet/fleet.ts";
import { type FleetOfPods, startFleetOfPods, type TestPod } from "../fleet/fleet-of-pods.ts";
import { until } from "../fleet/until.ts";
import { promptsIn, realComfySettings } from "../real-comfy/fleet.ts";
import { connectLow, connectSdk, type SdkTarget } from "./connect.ts";
import { STAND_IN_ARGS } from "./graphs.ts";

export interface StageOptions {
  runtime: EdgeRuntime;
  /** Settings of the edge and the agents. */
  env?: Record<string, string>;
}

export interface Stage extends AsyncDisposable {
  readonly fleet: FleetOfPods;
  /** The edge, with a key that may do what a tenant may. */
  readonly target: SdkTarget;
  /** The official SDK on it. */
  sdk(options?: ComfyOptions): Comfy;
  low(): ComfyLow;
  /** A key of the same tenant with these scopes alone. */
  keyWith(scopes: Scope[]): Promise<string>;
  /** A pod whose ComfyUI holds a prompt, once there is one. */
  busyPod(): Promise<TestPod>;
}

export async function startStage({ runtime, env = {} }: StageOptions): Promise<Stage> {
  const fleet = targetKind() === "real"
    ? await realComfySettings().then((real) => startFleetOfPods({ runtime, ...real, env: { ...real.env, ...env } }))
    : await startFleetOfPods({ runtime, standInArgs: STAND_IN_ARGS, env });
  const target = { baseUrl: fleet.baseUrl, apiKey: fleet.apiKey };
  return {
    fleet,
    target,
    sdk: (options) => connectSdk(target, options),
    low: () => connectLow(target),
    async keyWith(scopes) {
      return (await fleet.client.trpc.keys.create.mutate({ scopes })).key;
    },
    busyPod() {
      return until("a pod to be busy", async () => {
        for (const pod of fleet.pods) if (await promptsIn(pod.comfyUrl) > 0) return pod;
        return null;
      });
    },
    [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose](),
  };
}
