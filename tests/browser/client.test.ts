// The built client in Chromium, as plain ES modules, on a page of another origin than the edge's.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Browser, type BrowserPage, startChromium } from "../support/browser/chromium.ts";
import type * as Client from "../../client/mod.ts";
import { whyNoChromium } from "../support/browser/find-chromium.ts";
import { buildClient, type Import, importsOf, type PageServer, servePage } from "../support/browser/page-server.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { until } from "../support/fleet/until.ts";
import { gradientPath, invert, quick, slow } from "../support/fleet/workflows.ts";
import { named } from "../support/gpu/real-gpu.ts";

/** Set by the page, for the functions that run in it. */
declare const comfy: typeof Client;

const reason = whyNoChromium();
/** A plain HTTP page that is not on loopback: no secure context. */
const INSECURE_HOST = "pages.test";

describe.skipIf(reason !== null)(named("the client in Chromium", reason), () => {
  let module = "";
  let imports: Import[] = [];
  let pages: PageServer;
  let other: PageServer;
  let browser: Browser;
  beforeAll(async () => {
    module = join(await buildClient(), "mod.js");
    imports = await importsOf(module);
    pages = await servePage(module);
    other = await servePage(module);
    browser = await startChromium({ hosts: [INSECURE_HOST] });
  }, 120_000);
  afterAll(async () => {
    for (const one of [browser, pages, other]) await one?.[Symbol.asyncDispose]();
  });

  it("reaches no module of Node by a static import", () => {
    const urls = imports.map(({ url }) => url);
    expect(urls.filter((url) => !url.startsWith("file:"))).toEqual([]);
    expect(urls.some((url) => url.endsWith("/client/save.js"))).toBe(true);
    expect(urls.length).toBeGreaterThan(50);
  });

  describe.each(EDGE_RUNTIMES)("with the edge on %s", (runtime) => {
    let fleet: TestFleet;
    let page: BrowserPage;
    let edge: { baseUrl: string; apiKey: string };
    beforeAll(async () => {
      const origins = [`http://127.0.0.1:${pages.port}`, `http://${INSECURE_HOST}:${pages.port}`];
      fleet = await startTestFleet({
        runtime,
        env: { EDGE_CORS_ORIGINS: origins.join(",") },
        standInArgs: ["--step-ms", "20"],
      });
      edge = { baseUrl: fleet.baseUrl, apiKey: fleet.apiKey };
      page = await browser.open(`${origins[0]}/`);
    }, 60_000);
    afterAll(async () => await fleet?.[Symbol.asyncDispose]());

    it("submits, follows the progress, and has the bytes of the result", async () => {
      const seen = await page.run(async ({ edge, workflow }) => {
        const job = comfy.createFleet(edge).run(workflow);
        const events = [];
        for await (const event of job) events.push(event);
        const { outputs, receipt } = await job.result();
        const hex = async (bytes: Uint8Array) => {
          const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
          return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
        };
        const hashes = await Promise.all(outputs.map(async (output) => hex(await output.bytes())));
        return { events, hashes, outputs: outputs.map(({ sha256 }) => sha256), receipt };
      }, { edge, workflow: slow(30) });
      expect(seen.outputs).toHaveLength(1);
      expect(seen.hashes).toEqual(seen.outputs);
      expect(seen.receipt).not.toBeNull();
      const values = seen.events.flatMap((event) => event.type === "progress" ? [event.progress.value] : []);
      expect(values.length).toBeGreaterThan(1);
      expect(values).toEqual(values.toSorted((a, b) => a - b));
      expect(seen.events.at(-1)).toMatchObject({ type: "status", state: "succeeded" });
    });

    it("uploads a file of the page", async () => {
      const picture = readFileSync(gradientPath);
      const sent = await page.run(async ({ edge, workflow, base64, sha256 }) => {
        const fleet = comfy.createFleet(edge);
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const source = comfy.file(new Blob([bytes], { type: "image/png" }), "gradient.png");
        const asset = await fleet.assets.upload(source, { expectedSha256: sha256 });
        const { outputs } = await fleet.run(workflow, { "Picture.image": source });
        return { asset, sizes: await Promise.all(outputs.map(async (output) => (await output.bytes()).byteLength)) };
      }, {
        ...{ edge, workflow: invert(), base64: picture.toString("base64") },
        sha256: createHash("sha256").update(picture).digest("hex"),
      });
      expect(sent.asset).toMatchObject({ fileName: "gradient.png", sizeBytes: picture.byteLength });
      expect(sent.sizes[0]).toBeGreaterThan(0);
    });

    it("aborts: the stream is closed, and the job is canceled where that was asked for", async () => {
      const before = page.requests.length;
      const ended = await page.run(async ({ edge, workflow }) => {
        const abort = new AbortController();
        const job = comfy.createFleet(edge).run(workflow, {}, { signal: abort.signal, cancelOnAbort: true });
        const { id } = await job.submitted;
        const error = await (async () => {
          for await (const event of job) if (event.type === "progress") abort.abort();
        })().then(() => null, (thrown: Error) => thrown.name);
        return { id, error };
      }, { edge, workflow: slow(400) });
      expect(ended.error).toBe("AbortError");
      const job = fleet.client.job(ended.id);
      await until("the job's end", async () => (await job.get()).state === "canceled" || null);
      const watch = page.requests.slice(before).filter(({ url, method }) =>
        url.includes("jobs.watch") && method === "GET"
      );
      expect(watch).toHaveLength(1);
      await until("the stream's end", () => watch[0]?.end === "canceled" || null);
    });

    it("goes on with a stream when the edge was killed and came back", async () => {
      const running = page.run(async ({ edge, workflow }) => {
        const job = comfy.createFleet(edge).run(workflow);
        Object.assign(globalThis, { submitted: await job.submitted });
        const states = [];
        for await (const event of job) if (event.type === "status") states.push(event.state);
        return states;
      }, { edge, workflow: slow(200) });
      await until("the job", async () => await page.run(async () => "submitted" in globalThis, null) || null);
      await fleet.edge.kill();
      fleet.edge.start();
      const states = await running;
      expect(states.filter((state) => state === "succeeded")).toHaveLength(1);
      expect(states.at(-1)).toBe("succeeded");
    });

    it("says what is wrong as it does elsewhere", async () => {
      const codes = await page.run(async ({ edge, workflow }) => {
        const codeOf = (work: PromiseLike<unknown>) =>
          work.then(() => "none", (error: unknown) => comfy.FleetError.is(error) ? error.code : String(error));
        const [fleet, stranger] = [comfy.createFleet(edge), comfy.createFleet({ ...edge, apiKey: "cfl_nobody_x" })];
        const { outputs: [output] } = await fleet.run(workflow);
        return {
          key: await codeOf(stranger.run(workflow)),
          stream: await codeOf(stranger.job("job_00000000000000000000000000").watch()[Symbol.asyncIterator]().next()),
          asset: await codeOf(fleet.assets.download("asset_00000000000000000000000000" as never)),
          save: await codeOf(output?.save("/tmp/x") ?? Promise.resolve()),
          path: await codeOf(fleet.assets.upload(comfy.file("/etc/hosts"))),
        };
      }, { edge, workflow: quick() });
      expect(codes).toEqual({
        ...{ key: "unauthorized", stream: "unauthorized", asset: "not_found" },
        ...{ save: "invalid_input", path: "invalid_input" },
      });
    });

    it("needs no secure context", async () => {
      const insecure = await browser.open(`http://${INSECURE_HOST}:${pages.port}/`);
      const result = await insecure.run(async ({ edge, workflow }) => {
        const { outputs } = await comfy.createFleet(edge).run(workflow);
        return { isSecureContext, outputs: outputs.length };
      }, { edge, workflow: quick() });
      expect(result).toEqual({ isSecureContext: false, outputs: 1 });
    });

    it("reaches nothing from a page whose origin the edge does not name", async () => {
      const jobs = async () => (await fleet.client.trpc.jobs.list.query({ limit: 100 })).items.length;
      const before = await jobs();
      const stranger = await browser.open(`http://127.0.0.1:${other.port}/`);
      const code = await stranger.run(async ({ edge, workflow }) => {
        const signal = AbortSignal.timeout(3_000);
        const fleet = comfy.createFleet(edge);
        const listed = await fleet.call((trpc) => trpc.jobs.list.query({})).then(() => "none", (error) => error.code);
        const ran = await fleet.run(workflow, {}, { signal }).then(() => "ran", () => "refused");
        return { listed, ran };
      }, { edge, workflow: quick() });
      expect(code).toEqual({ listed: "edge_unreachable", ran: "refused" });
      expect(await jobs()).toBe(before);
      const asked = stranger.requests.filter(({ url, method }) => url.startsWith(edge.baseUrl) && method !== "OPTIONS");
      expect(asked.length).toBeGreaterThan(1);
      for (const { end } of asked) expect(end).toBe("failed");
    });

    it("has put the key into no URL, and never used the browser's own EventSource", () => {
      const asked = page.requests.filter(({ url }) => url.startsWith(fleet.baseUrl));
      const secret = fleet.apiKey.split("_").at(-1) ?? "";
      expect(asked.length).toBeGreaterThan(20);
      for (const { url } of page.requests) {
        expect(decodeURIComponent(url)).not.toContain(secret);
        expect(url).not.toContain(encodeURIComponent(fleet.apiKey));
      }
      const streams = asked.filter(({ url, method }) => url.includes("/trpc/jobs.watch") && method === "GET");
      expect(streams.length).toBeGreaterThan(2);
      expect(new Set(streams.map(({ type }) => type))).toEqual(new Set(["Fetch"]));
      for (const { headers } of streams) expect(headers.authorization).toBe(`Bearer ${fleet.apiKey}`);
      expect(pages.missed).toEqual([]);
    });
  });
});
