/** The bare proxy on Deno: `PORT TARGET SECRET`. */
import { createBareProxy } from "./bare-proxy.ts";

const [port, target = "", secret = ""] = Deno.args;
Deno.serve(
  { hostname: "127.0.0.1", port: Number(port), onListen: () => {} },
  createBareProxy({ target, secret }).fetch,
);
