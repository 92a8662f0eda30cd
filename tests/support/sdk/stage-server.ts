/**
 * What a Python test asks of the stage, over HTTP on 127.0.0.1:
 * `/graphs/NAME?seconds=N` a graph; `/polls/JOB` how often a job was asked for; `/kill-busy-pod`, and `/start-pods` those
 * that were killed; `/restart-edge`; `/cut` cuts every connection of the relay that the test speaks through, and says how
 * many there were.
 */
import { createServer } from "node:http";
import type { TestPod } from "../fleet/fleet-of-pods.ts";
import { until } from "../fleet/until.ts";
import * as graphs from "./graphs.ts";
import type { CuttingRelay } from "./relay.ts";
import type { Stage } from "./stage.ts";

export interface StageServer extends AsyncDisposable {
  readonly url: string;
}

function graph(name: string, seconds: number): unknown {
  switch (name) {
    case "picture":
      return graphs.picture();
    case "lasting":
      return graphs.lasting(seconds);
    case "picture-then-lasting":
      return graphs.pictureThenLasting(seconds);
    case "inverted":
      return graphs.inverted(null);
    case "broken":
      return graphs.broken();
    default:
      throw new Error(`there is no graph '${name}'`);
  }
}

/** GETs of the job itself that the edge has answered. */
function pollsIn(log: string, jobId: string): number {
  return log.split(`"method":"GET","path":"/api/v2/jobs/${jobId}"`).length - 1;
}

export async function serveStage(stage: Stage, relay: CuttingRelay): Promise<StageServer> {
  const { fleet } = stage;
  const killed = new Set<TestPod>();
  async function act(url: URL): Promise<unknown> {
    const [, verb = "", name = ""] = url.pathname.split("/");
    switch (verb) {
      case "graphs":
        return graph(name, Number(url.searchParams.get("seconds") ?? 0));
      case "polls":
        return await until("a poll to be logged", () => pollsIn(fleet.edge.log(), name) || null);
      case "cut":
        return relay.cut();
      case "kill-busy-pod": {
        const pod = await stage.busyPod();
        await pod.kill();
        killed.add(pod);
        return pod.name;
      }
      case "start-pods":
        for (const pod of killed) pod.start();
        killed.clear();
        return await fleet.waitReady();
      case "restart-edge":
        await fleet.edge.kill();
        fleet.edge.start();
        return await fleet.waitReady();
      default:
        throw new Error(`the stage cannot '${verb}'`);
    }
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://stage");
    act(url).then(
      (value) => response.end(JSON.stringify(value ?? null)),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("no address"));
      else resolve(address.port);
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
