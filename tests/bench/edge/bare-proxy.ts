/** The least proxy with Hono: what a pass-through costs where nobody asks who calls, what for and how it went. */
import { Hono } from "hono";

export function createBareProxy({ target, secret }: { target: string; secret: string }): Hono {
  const app = new Hono();
  app.all("/trpc/*", async (c) => {
    const { pathname, search } = new URL(c.req.url);
    const { status, headers, body } = await fetch(`${target}${pathname}${search}`, {
      method: c.req.method,
      headers: { authorization: `Bearer ${secret}`, accept: c.req.header("accept") ?? "*/*" },
      signal: c.req.raw.signal,
    });
    return new Response(body, { status, headers });
  });
  return app;
}
