/** The bare event server on Deno: `PORT`. */
import { bareEvents } from "./bare-events.ts";

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: () => {} }, bareEvents);
