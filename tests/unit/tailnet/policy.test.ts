/** The two shipped policies say the same, and no more than the design allows. What they do is shown in tests/tailnet. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { SHIPPED_POLICY_SHA256 } from "../../../contracts/tailnet/policy.ts";
import {
  AGENT_PORT,
  CLOSED_EDGE_PORTS,
  CLOSED_POD_PORTS,
  DEFAULT_CAPABILITY,
  DEV_POD_TAG,
  EDGE_TAG,
  POD_TAG,
  Role,
} from "../../../contracts/tailnet/words.ts";
import { parseHujson } from "../../support/tailnet/hujson.ts";

const FILES = { tailscale: "policy.hujson", headscale: "policy.headscale.hujson" };

function textOf(kind: keyof typeof FILES): string {
  return readFileSync(new URL(`../../../docker/tailnet/${FILES[kind]}`, import.meta.url), "utf8");
}

const Strings = z.array(z.string());
const Grant = z.strictObject({
  src: Strings,
  dst: Strings,
  ip: Strings,
  app: z.record(z.string(), z.array(z.strictObject({ roles: z.array(Role) }))),
});
/** Strict: what this test does not know, it has not judged. */
const Policy = z.strictObject({
  groups: z.record(z.string(), Strings),
  tagOwners: z.record(z.string(), Strings),
  grants: z.array(Grant),
  nodeAttrs: z.unknown(),
  tests: z.array(z.strictObject({ src: z.string(), accept: Strings.default([]), deny: Strings })),
});
const policyOf = (kind: keyof typeof FILES) => Policy.parse(parseHujson(textOf(kind)));
const KINDS = ["tailscale", "headscale"] as const;

describe("the shipped policies", () => {
  it("differ in the owners of tags, and in the tests of tags that may have no node", () => {
    const { tagOwners: _, tests, ...tailscale } = policyOf("tailscale");
    const { tagOwners: __, tests: fewer, ...headscale } = policyOf("headscale");
    expect(headscale).toEqual(tailscale);
    const lasting = (targets: string[]) => targets.filter((target) => !target.startsWith(DEV_POD_TAG));
    expect(fewer).toEqual(
      tests.filter(({ src }) => src !== DEV_POD_TAG).map(({ src, accept, deny }) => ({
        ...{ src, accept: lasting(accept), deny: lasting(deny) },
      })),
    );
  });

  it("let the client that mints pods' keys at Tailscale own their tags, and no other", () => {
    const { tagOwners } = policyOf("tailscale");
    const owned = Object.entries(tagOwners).filter(([, owners]) => owners.includes("tag:provisioner"));
    expect(owned.map(([tag]) => tag)).toEqual([POD_TAG, DEV_POD_TAG]);
    for (const [, owners] of owned) expect(owners).toEqual(["tag:provisioner"]);
    expect(tagOwners[EDGE_TAG]).toEqual(["autogroup:admin"]);
    expect(tagOwners["tag:provisioner"]).toEqual(["autogroup:admin"]);
  });

  it.each(KINDS)("for %s: one port of pods for edges, and for people whom somebody has to name first", (kind) => {
    const { grants, groups } = policyOf(kind);
    const shown = grants.map(({ src, dst, ip, app }) => ({ src, dst, ip, roles: app[DEFAULT_CAPABILITY]?.[0]?.roles }));
    const pods = { dst: [POD_TAG, DEV_POD_TAG], ip: [`tcp:${AGENT_PORT}`] };
    expect(shown).toEqual([
      { src: [EDGE_TAG], ...pods, roles: ["observe", "invoke", "operate"] },
      { src: ["group:fleet-observers"], ...pods, roles: ["observe"] },
      { src: ["group:fleet-operators"], ...pods, roles: ["observe", "operate"] },
    ]);
    expect(grants.map(({ app }) => Object.keys(app))).toEqual(grants.map(() => [DEFAULT_CAPABILITY]));
    expect(groups).toEqual({ "group:fleet-observers": [], "group:fleet-operators": [] });
  });

  it("has tests that name every port that must stay closed", () => {
    const { tests } = policyOf("tailscale");
    const denied = (src: string) => tests.filter((one) => one.src === src).flatMap(({ deny }) => deny);
    for (const port of CLOSED_POD_PORTS) {
      for (const tag of [POD_TAG, DEV_POD_TAG]) expect(denied(EDGE_TAG)).toContain(`${tag}:${port}`);
    }
    for (const tag of [POD_TAG, DEV_POD_TAG]) {
      for (const port of CLOSED_EDGE_PORTS) expect(denied(tag)).toContain(`${EDGE_TAG}:${port}`);
      expect(denied(tag)).toContain(`${POD_TAG}:${AGENT_PORT}`);
    }
  });

  it.each(KINDS)("for %s: the grant for development pods is there, and off", (kind) => {
    const text = textOf(kind);
    const commented = text.split("\n").filter((line) => line.trim().startsWith("// {"));
    expect(commented).toHaveLength(1);
    const grant = parseHujson((commented[0] ?? "").replace("//", "").trim().replace(/,$/, ""));
    expect(grant).toMatchObject({ dst: [DEV_POD_TAG], ip: CLOSED_POD_PORTS.map((port) => `tcp:${port}`) });
  });

  it.each(KINDS)("for %s: its hash is the one that the edge compares with", (kind) => {
    expect(createHash("sha256").update(textOf(kind)).digest("hex")).toBe(SHIPPED_POLICY_SHA256[kind]);
  });
});

describe("parseHujson", () => {
  it("leaves out comments and last commas, and nothing that is within a text", () => {
    expect(parseHujson('{ // a\n "b": ["//c", "d,]", /* e, ] */ "\\"f//",\n], // g\n}')).toEqual({
      b: ["//c", "d,]", '"f//'],
    });
  });

  it("takes nothing else", () => {
    expect(() => parseHujson("{b: 1}")).toThrow(SyntaxError);
    expect(() => parseHujson("[1, , 2]")).toThrow(SyntaxError);
  });
});
