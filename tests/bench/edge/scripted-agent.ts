/**
 * `node scripted-agent.ts FOLDER SLOTS PORT…`: scripted pods, one a port, in a process of their own. Their HTTP server
 * and the route of their outputs are the agent's. The secret is in AGENT_SECRET; without one everybody may call.
 */
import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { Hono } from "hono";
import { agentRouter } from "../../../contracts/agent/router.ts";
import { AGENT_ROUTES } from "../../../contracts/agent/routes.ts";
import { requireSecret } from "../../../agent/http/auth.ts";
import { listenTcp } from "../../../agent/http/listen.ts";
import { outputResponse } from "../../../agent/http/output-route.ts";
import { Workspace } from "../../../agent/attempts/workspace.ts";
import { reportOf } from "../../support/agent-reports.ts";
import { readPrepared } from "./prepared-files.ts";
import { createScriptedPod } from "./scripted-pod.ts";

const [folder = "", slots = "1", ...ports] = process.argv.slice(2);
const classes = JSON.parse(
  readFileSync(new URL("../../fixtures/comfy/object-info.json", import.meta.url), "utf8"),
).classes;
const objectInfo = JSON.stringify(classes);
const objectInfoSha256 = createHash("sha256").update(objectInfo).digest("hex");
const prepared = readPrepared(folder);
const workspace = new Workspace(folder, () => null);
const secret = process.env["AGENT_SECRET"];
const checkSecret = secret ? requireSecret(secret) : () => {};

function appOf(): Hono {
  const pod = createScriptedPod({ slots: Number(slots), objectInfoSha256, prepared, workspace });
  const app = new Hono();
  app.use(async (c, next) => {
    checkSecret(c.req.header("authorization"));
    await next();
  });
  // A very long log: what it says is nothing to the edge, which passes the bytes on as they are.
  app.get(`${AGENT_ROUTES.trpc}/comfy.logs`, () => {
    const file = createReadStream(workspace.outputPath(prepared.attemptId, 0));
    return new Response(Readable.toWeb(file) as ReadableStream<Uint8Array>, {
      headers: {
        "content-type": "application/json",
        "content-length": String(prepared.outputs[0]?.sizeBytes ?? 0),
      },
    });
  });
  app.all(
    `${AGENT_ROUTES.trpc}/*`,
    (c) => fetchRequestHandler({ endpoint: "/trpc", req: c.req.raw, router: agentRouter, createContext: () => pod }),
  );
  app.get(`${AGENT_ROUTES.objectInfo}/:sha256`, (c) => c.body(objectInfo, 200, { "content-type": "application/json" }));
  // The prepared ones are there for whoever asks without a job.
  const standing = {
    ...reportOf({ attemptId: prepared.attemptId, jobId: prepared.jobId, no: 1 }, "succeeded"),
    outputs: [...prepared.outputs],
  };
  const attempts: Pick<typeof pod.attempts, "get"> = {
    get: (id) => (id === prepared.attemptId ? Promise.resolve(standing) : pod.attempts.get(id)),
  };
  app.get(`${AGENT_ROUTES.attempts}/:attemptId/outputs/:index`, (c) =>
    outputResponse({
      ...{ method: c.req.method, attemptId: c.req.param("attemptId"), index: c.req.param("index") },
      ...{ range: c.req.header("range"), ifRange: c.req.header("if-range"), ifNoneMatch: undefined },
    }, { attempts, workspace }));
  return app;
}

for (const port of ports) await listenTcp(appOf(), { host: "127.0.0.1", port: Number(port) });
process.once("SIGTERM", () => process.exit(0));
