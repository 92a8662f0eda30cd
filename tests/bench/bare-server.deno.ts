/** The least HTTP server on Deno: what the runtime itself costs. */
Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: () => {} }, () => new Response("hello"));
