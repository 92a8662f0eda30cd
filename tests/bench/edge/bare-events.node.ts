/** The bare event server on Node: `PORT`. */
import { serve } from "@hono/node-server";
import { bareEvents } from "./bare-events.ts";

serve({ hostname: "127.0.0.1", port: Number(process.argv[2]), fetch: bareEvents });
