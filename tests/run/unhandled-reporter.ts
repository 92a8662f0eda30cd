/** A reporter beside vitest's own that keeps what nobody handled. */
import type { Reporter } from "vitest/node";
import { UNHANDLED_PATH, writeUnhandled } from "./unhandled.ts";

export default class UnhandledReporter implements Reporter {
  async onTestRunEnd(...[, errors]: Parameters<NonNullable<Reporter["onTestRunEnd"]>>): Promise<void> {
    const path = process.env[UNHANDLED_PATH];
    if (path !== undefined && errors.length > 0) await writeUnhandled(path, errors.map(({ message }) => message));
  }
}
