/** The direct transport's authentication: one bearer secret that edge and agent share. */
import { createHash, timingSafeEqual } from "node:crypto";
import { FleetError } from "../../contracts/errors.ts";

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/**
 * A check of the `authorization` header that takes the same time whatever part of the secret is right.
 * The check throws FleetError `unauthorized`.
 */
export function requireSecret(secret: string): (authorization: string | undefined) => void {
  const expected = digest(`Bearer ${secret}`);
  return (authorization) => {
    if (authorization !== undefined && timingSafeEqual(digest(authorization), expected)) return;
    throw new FleetError("unauthorized", "Cannot authenticate: the agent's secret is missing or wrong", {
      hint: "Give the edge the same secret as the agent's AGENT_SECRET.",
    });
  };
}
