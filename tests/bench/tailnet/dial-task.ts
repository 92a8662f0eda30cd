/** What a dialler is asked to measure, and what it says. */
import { z } from "zod";

export const DialTask = z.strictObject({
  library: z.enum(["node_http", "undici"]),
  /** LocalAPI of the edge's tailscaled. */
  socketPath: z.string(),
  /** The plain server's address on the tailnet; on this machine it has the same port. */
  ip: z.string(),
  port: z.number(),
  /** Calls on a kept connection, and on one of their own each. */
  calls: z.number(),
  freshCalls: z.number(),
  downloads: z.number(),
  sizeBytes: z.number(),
});
export type DialTask = z.infer<typeof DialTask>;

const Samples = z.strictObject({ tailnet: z.array(z.number()), loopback: z.array(z.number()) });
export type Samples = z.infer<typeof Samples>;

/** Ms of calls, MB/s of downloads. */
export const DialResult = z.strictObject({ kept: Samples, fresh: Samples, rates: Samples });
export type DialResult = z.infer<typeof DialResult>;
