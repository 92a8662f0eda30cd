/** The wish that ComfyUI give memory back. It fulfils it after the prompt that runs, and does not say when. */
import { unexpected } from "./call.ts";
import type { Reply } from "./exchange.ts";

/** `models`: its loaded models too, and not only what its nodes have made. */
export function freeRequest({ models }: { models: boolean }) {
  return { method: "POST" as const, path: "/free", json: { unload_models: models, free_memory: true } };
}

/** @throws FleetError `comfy_unavailable` for any answer but the usual one */
export function expectFreed(reply: Reply): void {
  if (reply.status !== 200) throw unexpected("free ComfyUI's memory", reply);
}
