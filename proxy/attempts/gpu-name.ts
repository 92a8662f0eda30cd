/** Which GPU a pod renders on, from its own list of devices. */
import type { PodCapability } from "../../contracts/pod.ts";

/** ComfyUI's form is `cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync`: index, name, allocator. */
const COMFY_NAME = /^\w+:\d+ (.+?)(?: : \w+)?$/;

/** Name of the first device that is no CPU; null where there is none. */
export function gpuName(devices: PodCapability["devices"]): string | null {
  const device = devices.find(({ type }) => type !== "cpu");
  return device ? COMFY_NAME.exec(device.name)?.[1] ?? device.name : null;
}
