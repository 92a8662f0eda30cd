import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Lifecycle } from "../../../agent/lifecycle.ts";
import { AGENT_VERSION } from "../../../agent/pod/agent-version.ts";
import { createSilentLogger, type RecordedLine } from "../../support/comfy/silent-logger.ts";

describe("Lifecycle", () => {
  it("stop() runs every step once, last first, past failures and deadlines", async () => {
    const lines: RecordedLine[] = [];
    const lifecycle = new Lifecycle(createSilentLogger(lines));
    const steps: string[] = [];
    lifecycle.onStop("first", 1_000, () => void steps.push("first"));
    lifecycle.onStop("failing", 1_000, () => {
      throw new Error("no");
    });
    lifecycle.onStop("hanging", 10, () => new Promise<void>(() => undefined));
    lifecycle.onStop("last", 1_000, () => void steps.push("last"));
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    expect(steps).toEqual(["last", "first"]);
    expect(lines.map(({ data }) => data?.step)).toEqual(["hanging", "failing"]);
  });
});

describe("AGENT_VERSION", () => {
  it("is the package's", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
    expect(AGENT_VERSION).toBe(version);
  });
});
