/** Lines of a report about the tailnet, the edge's and the pod's. */
import type { TailnetCheck } from "./report.ts";

export const ok = (name: string, message: string): TailnetCheck => ({ name, status: "ok", message, fix: null });

export const skipped = (name: string, message: string): TailnetCheck => ({
  name,
  status: "skipped",
  message,
  fix: null,
});

export const warning = (name: string, message: string, fix: string): TailnetCheck => ({
  name,
  status: "warning",
  message,
  fix,
});

export const failed = (name: string, message: string, fix: string): TailnetCheck => ({
  name,
  status: "failed",
  message,
  fix,
});
