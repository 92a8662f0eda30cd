/** What commands that check something say with `--json`. */
import { z } from "zod";
import { type CliResult, jsonLines } from "./cli.ts";

export const Checks = z.object({
  healthy: z.boolean(),
  checks: z.array(z.object({ name: z.string(), status: z.string(), message: z.string(), fix: z.string().nullable() })),
});
type CheckLine = z.infer<typeof Checks>["checks"][number];

/** By name. */
export function linesOf(checks: readonly CheckLine[]): Record<string, [status: string, message: string]> {
  return Object.fromEntries(checks.map(({ name, status, message }) => [name, [status, message]]));
}

export function checksIn(result: CliResult): CheckLine[] {
  return z.object({ data: Checks }).parse(jsonLines(result).at(-1)).data.checks;
}
