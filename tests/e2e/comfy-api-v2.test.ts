// What only a real edge shows of the Comfy API v2: clients that vanish, files that are larger than memory should be, stops.
import { connect } from "node:net";
import { schemas } from "@comfyorg/sdk/low";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { watchPeakMemory } from "../support/fleet/peak-memory.ts";
import { storedFiles } from "../support/fleet/stored-files.ts";
import { until } from "../support/fleet/until.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

const MIB = 1024 * 1024;
const JOBS = "/api/v2/jobs";
const ASSETS = "/api/v2/assets";

const V2Job = z.object({ id: z.string(), status: z.string(), outputs: z.array(z.object({ url: z.string() })) });

describe.each(EDGE_RUNTIMES)("the Comfy API v2 on %s", (runtime) => {
  let fleet: TestFleet;
  beforeAll(async () => {
    fleet = await startTestFleet({ runtime, env: { V2_MAX_STREAMS: "3" }, standInArgs: ["--step-ms", "50"] });
  });
  afterAll(async () => await fleet?.[Symbol.asyncDispose]());

  const call = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${fleet.apiKey}`);
    return fetch(fleet.baseUrl + path, { signal: AbortSignal.timeout(30_000), ...init, headers });
  };
  async function submit(workflow: object, more: object = {}) {
    const body = JSON.stringify({ workflow, ...more });
    const response = await call(JOBS, { method: "POST", headers: { "content-type": "application/json" }, body });
    expect(response.status).toBe(201);
    return schemas.zJob.parse(await response.json());
  }
  const getJob = async (id: string) => V2Job.parse(await (await call(`${JOBS}/${id}`)).json());
  /** Requests for a path that the edge is done with; what it holds is not in its log. */
  const doneWith = (path: string) => fleet.edge.log().split(`"path":"${path}"`).length - 1;
  const cancel = (id: string) => call(`${JOBS}/${id}/cancel`, { method: "POST" });

  it("holds a GET to the end of the job, and gives links that work without a key", async () => {
    const { id } = await submit(quick());
    const job = schemas.zJob.parse(await (await call(`${JOBS}/${id}`)).json());
    expect(job.status).toBe("succeeded");
    const [output] = job.outputs;
    const bytes = await fetch(output?.url ?? "");
    expect({ status: bytes.status, size: (await bytes.arrayBuffer()).byteLength })
      .toEqual({ status: 200, size: Number(output?.size_bytes) });
    expect((await fetch((output?.url ?? "").replace(/.$/, ""))).status).toBe(401);
    // A link is as good as the file: no log has one.
    expect(fleet.edge.log()).not.toContain("signature=");
  });

  it("lets go of a thousand held GETs when their clients vanish, and answers those that stay", async () => {
    const { id } = await submit(slow(200));
    await until("the job to run", async () =>
      (await call(`${JOBS}/${id}`, { headers: { prefer: "wait=0" } })).json()
        .then((job) => V2Job.parse(job).status === "running" || null));
    const memory = watchPeakMemory(fleet.edge.pid);
    const { port } = new URL(fleet.baseUrl);
    const request =
      `GET ${JOBS}/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${fleet.apiKey}\r\nPrefer: wait=25\r\n\r\n`;
    const answers: string[] = [];
    const sockets = Array.from({ length: 1_000 }, () => {
      const socket = connect({ port: Number(port), host: "127.0.0.1" });
      socket.setEncoding("utf8").on("error", () => {}).on("data", (text: string) => answers.push(text));
      socket.write(request);
      return socket;
    });
    // They cost no slot and no transaction: others are served as ever.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const startedMs = performance.now();
    expect((await call(`${JOBS}?limit=1`)).status).toBe(200);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    const first = doneWith(`${JOBS}/${id}`);
    for (const socket of sockets.splice(0, 900)) socket.destroy();
    let done = first;
    // A busy edge may have had no look at some of them before they were gone.
    await until("the edge to let go of those that left", async () => {
      const before = done;
      await new Promise((resolve) => setTimeout(resolve, 500));
      done = doneWith(`${JOBS}/${id}`);
      return (done - first > 500 && done === before) || null;
    });
    expect(answers).toEqual([]);
    await cancel(id);
    await until("the rest to be answered", () => answers.length >= sockets.length || null);
    await until("their lines", () => doneWith(`${JOBS}/${id}`) >= done + sockets.length || null);
    // The end of the job wakes whoever is still held: nobody but those that stayed.
    expect(doneWith(`${JOBS}/${id}`)).toBe(done + sockets.length);
    expect(answers.every((text) => text.startsWith("HTTP/1.1 200") || text.startsWith("{"))).toBe(true);
    for (const socket of sockets) socket.destroy();
    const grownBytes = memory.grownBytes();
    console.log(`${runtime}: the edge's memory grew by ${Math.round(grownBytes / MIB)} MiB with 1,000 held polls`);
    expect(grownBytes).toBeLessThan(150 * MIB);
  });

  it("frees the slots of streams whose clients vanish", async () => {
    const { id } = await submit(slow(200));
    const { port } = new URL(fleet.baseUrl);
    const head = `GET ${JOBS}/${id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${fleet.apiKey}\r\n\r\n`;
    for (let round = 0; round < 3; round++) {
      const sockets = Array.from({ length: 3 }, () => connect({ port: Number(port), host: "127.0.0.1" }));
      const opened = sockets.map((socket) =>
        new Promise<void>((resolve) => {
          socket.setEncoding("utf8").on("data", (text: string) => text.includes("event: status") && resolve());
          socket.on("error", () => {});
          socket.write(head);
        })
      );
      await Promise.all(opened);
      const refused = await call(`${JOBS}/${id}/events`);
      expect({ status: refused.status, retry: refused.headers.get("retry-after") }).toEqual({
        status: 429,
        retry: "2",
      });
      for (const socket of sockets) socket.destroy();
      await until("a slot", async () => {
        const answer = await call(`${JOBS}/${id}/events`);
        await answer.body?.cancel();
        return answer.status === 200 || null;
      });
    }
    await cancel(id);
  });

  it("streams an event a frame to the terminal status, with progress between", async () => {
    const { id } = await submit(slow(30));
    const response = await call(`${JOBS}/${id}/events`);
    const names = (await response.text()).match(/^event: \w+$/gm) ?? [];
    expect(names[0]).toBe("event: status");
    expect(names.at(-1)).toBe("event: status");
    expect(names).toContain("event: progress");
    expect(await getJob(id)).toMatchObject({ status: "succeeded" });
  });

  it("stores an upload of 400 MiB as it comes, and keeps nothing of one that is cut or has another hash", async () => {
    const size = 400 * MIB;
    const head = ["content_type", "file_path"].map((name) =>
      `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${name === "file_path" ? "big.bin" : "a/b"}\r\n`
    ).join("") + '--X\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n';
    const tail = "\r\n--X--\r\n";
    const piece = new Uint8Array(MIB).fill(7);
    const field = (name: string, value: string) =>
      `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const upload = (pieces: number, end: string, fields = "") => {
      let at = -1;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          at += 1;
          if (at === 0) {
            controller.enqueue(new TextEncoder().encode(fields + head));
          } else if (at <= pieces) {
            controller.enqueue(piece);
          } else {
            if (end !== "") {
              controller.enqueue(new TextEncoder().encode(end));
            }
            controller.close();
          }
        },
      });
      const headers = { "content-type": "multipart/form-data; boundary=X" };
      return call(ASSETS, { method: "POST", headers, body, duplex: "half" } as RequestInit);
    };
    const kept = () =>
      storedFiles(fleet.dataDir).length;
    const before = { files: kept(), memory: watchPeakMemory(fleet.edge.pid) };
    const cut = await upload(3, "");
    expect({ status: cut.status, body: await cut.json() }).toMatchObject({
      status: 400,
      body: { error: { code: "upload_interrupted" } },
    });
    expect(kept()).toBe(before.files);
    const differs = await upload(3, tail, field("expected_hash", `blake3:${"0".repeat(64)}`));
    expect({ status: differs.status, body: await differs.json() }).toMatchObject({
      status: 409,
      body: { error: { code: "hash_mismatch" } },
    });
    expect(kept()).toBe(before.files);
    const stored = await upload(size / MIB, tail);
    expect(stored.status).toBe(201);
    expect(schemas.zAsset.parse(await stored.json())).toMatchObject({ size_bytes: BigInt(size), file_path: "big.bin" });
    const grownBytes = before.memory.grownBytes();
    console.log(`${runtime}: the edge's memory grew by ${Math.round(grownBytes / MIB)} MiB at the upload of 400 MiB`);
    expect(grownBytes).toBeLessThan(240 * MIB);
    expect(kept()).toBe(before.files + 1);
  });

  it("refuses a workflow of 100 MB early, and repeats no partner key anywhere", async () => {
    const response = await new Promise<string>((resolve) => {
      const socket = connect({ port: Number(new URL(fleet.baseUrl).port), host: "127.0.0.1" });
      socket.setEncoding("utf8").on("error", () => {}).once("data", (text: string) => resolve(text));
      socket.write(
        `POST ${JOBS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${fleet.apiKey}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${100 * MIB}\r\n\r\n{"workflow":`,
      );
    });
    expect(response).toMatch(/^HTTP\/1\.1 413/);
    expect(response).toContain("payload_too_large");
    await submit(quick(), { extra_data: { api_key_comfy_org: "comfyui-very-secret" } });
    const refused = await call(JOBS, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ workflow: { nodes: [] }, extra_data: { api_key_comfy_org: "comfyui-very-secret" } }),
    });
    expect(await refused.text()).not.toContain("very-secret");
    expect(fleet.edge.log()).not.toContain("very-secret");
  });

  it("answers what it holds and ends its streams when it stops", async () => {
    const { id } = await submit(slow(400));
    const held = call(`${JOBS}/${id}`, { headers: { prefer: "wait=25" } });
    const stream = await call(`${JOBS}/${id}/events`);
    const text = stream.text();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const startedMs = performance.now();
    await fleet.edge.terminate();
    expect((await held).status).toBe(200);
    expect(V2Job.parse(await (await held).json()).status).toMatch(/queued|running/);
    expect(await text).not.toMatch(/"(?:failed|expired|canceled)"/);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
