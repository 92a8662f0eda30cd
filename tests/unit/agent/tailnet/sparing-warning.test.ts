import { expect, it } from "vitest";
import { createSparingWarning } from "../../../../agent/tailnet/sparing-warning.ts";
import { recordingLogger } from "../../../support/tailnet/recording-logger.ts";

it("warns of each kind at once, then rarely, and says how many there were between", () => {
  const logger = recordingLogger();
  let nowMs = 1_000_000;
  const warn = createSparingWarning(logger, { now: () => nowMs });
  for (const node of ["a", "b", "c"]) warn("caller has no role", { node });
  warn("caller not identified", {});
  nowMs += 10_000;
  warn("caller has no role", { node: "d" });
  nowMs -= 60_000;
  warn("caller has no role", { node: "e" });
  expect(logger.lines).toEqual([
    ["warn", "caller has no role", { node: "a" }],
    ["warn", "caller not identified", {}],
    ["warn", "caller has no role", { node: "d", more: 2 }],
    ["warn", "caller has no role", { node: "e" }],
  ]);
});
