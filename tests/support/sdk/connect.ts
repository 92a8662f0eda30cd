/** The official TypeScript SDK, as its users have it: pointed at a server by its one variable. */
import { Comfy, type ComfyOptions } from "@comfyorg/sdk";
import { ComfyLow } from "@comfyorg/sdk/low";

export interface SdkTarget {
  baseUrl: string;
  apiKey: string;
}

/** The SDK reads `COMFY_BASE_URL` when a client is made, and only then. */
export function connectSdk({ baseUrl, apiKey }: SdkTarget, options: ComfyOptions = {}): Comfy {
  const before = process.env.COMFY_BASE_URL;
  process.env.COMFY_BASE_URL = baseUrl;
  try {
    return new Comfy({ apiKey, ...options });
  } finally {
    if (before === undefined) delete process.env.COMFY_BASE_URL;
    else process.env.COMFY_BASE_URL = before;
  }
}

/** Its protocol layer: one method an operation, without the checks that the SDK makes before it asks. */
export function connectLow({ baseUrl, apiKey }: SdkTarget): ComfyLow {
  return new ComfyLow(baseUrl, apiKey);
}
