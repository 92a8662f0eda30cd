/** Lines of a report. Pure. */
import type { PeerStatus } from "../../contracts/tailnet/local-api-schemas.ts";
import type { TailnetCheck } from "../../contracts/tailnet/report.ts";

export const POLICY = "Apply docker/tailnet/policy.hujson: the edge may call pods, and pods nobody.";

/** Of another machine's choice: short, for people only. */
export function nameOf({ DNSName, HostName, ID }: Pick<PeerStatus, "DNSName" | "HostName" | "ID">): string {
  return (DNSName?.split(".")[0] || HostName || ID).slice(0, 63);
}

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
