// An edge may ask an agent for a procedure that this one does not have yet: additive changes keep the protocol's number.
import { createTRPCClient, httpLink, TRPCClientError } from "@trpc/client";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import type { AgentContext } from "../../../contracts/agent/ports.ts";
import type { AgentRouter } from "../../../contracts/agent/router.ts";
import { createTRPC, rethrowTyped } from "../../../contracts/trpc.ts";

const t = createTRPC<AgentContext>();
const procedure = t.procedure.use(async ({ next }) => {
  const result = await next();
  rethrowTyped(result);
  return result;
});
const olderRouter = t.router({ pod: t.router({ describe: procedure.query(() => ({ bootId: "boot" })) }) });

describe("an agent from before tailnet.selfCheck", () => {
  it("answers not_found to it, and everything else as ever", async () => {
    const client = createTRPCClient<AgentRouter>({
      links: [httpLink({
        url: "http://agent/trpc",
        transformer: superjson,
        fetch: async (url, init) =>
          await fetchRequestHandler({
            endpoint: "/trpc",
            req: new Request(String(url), init as RequestInit),
            router: olderRouter,
            createContext: () => ({ requestId: "r-1" }) as AgentContext,
          }),
      })],
    });
    expect(await client.pod.describe.query()).toEqual({ bootId: "boot" });
    const refused = client.tailnet.selfCheck.query();
    await expect(refused).rejects.toBeInstanceOf(TRPCClientError);
    await expect(refused).rejects.toMatchObject({ data: { fleet: { code: "not_found" } } });
  });
});
