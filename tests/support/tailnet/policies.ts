/** Policies that grant more, or less, than the shipped one: for callers that it would not even let through. */
import { AGENT_PORT, DEFAULT_CAPABILITY, type Role } from "../../../contracts/tailnet/words.ts";

export interface TestGrant {
  src: string;
  /** @default "tag:pod" */
  dst?: string;
  /** @default the agent's */
  ports?: readonly number[];
  /** Without it: the way there, and no capability. */
  roles?: readonly Role[];
  /** @default the one that is shipped */
  capability?: string;
}

/** For headscale, where a person is called `ana@`. */
export function policyOf(grants: readonly TestGrant[]): string {
  return JSON.stringify({
    tagOwners: Object.fromEntries(["tag:edge", "tag:pod", "tag:dev-pod", "tag:other"].map((tag) => [tag, []])),
    grants: grants.map(({ src, dst = "tag:pod", ports = [AGENT_PORT], roles, capability = DEFAULT_CAPABILITY }) => ({
      ...{ src: [src], dst: [dst], ip: ports.map((port) => `tcp:${port}`) },
      ...(roles === undefined ? {} : { app: { [capability]: [{ roles }] } }),
    })),
  });
}

export const EDGE_GRANT: TestGrant = { src: "tag:edge", roles: ["observe", "invoke", "operate"] };
