/** The Go that builds the suite's programs: how it is called, and whether it is new enough. */
import { runCommand } from "../real-comfy/run-command.ts";

const HINT = "Hint: install it from go.dev/dl, or point TAILNET_BIN at a folder with tailscaled and headscale.";

/**
 * Settings that make a build depend on the committed go.mod and go.sum alone: nothing is added to them, checksums are
 * compared, no other tool chain is fetched. They win over the person's own.
 * @param env the person's, for what it may say itself
 */
export function goEnvironment({ GOSUMDB }: { GOSUMDB?: string | undefined }): Record<string, string> {
  return {
    ...{ CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOWORK: "off", GOFLAGS: "-mod=readonly -trimpath -buildvcs=false" },
    ...{ GONOSUMDB: "", GOPRIVATE: "", GOINSECURE: "" },
    GOSUMDB: GOSUMDB && GOSUMDB !== "off" ? GOSUMDB : "sum.golang.org",
  };
}

/**
 * The version of the Go on the path, as `go1.26.8`.
 * @throws Error with a hint when there is none, or one older than `minimum`
 */
export async function requireGo(
  minimum: string,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<string> {
  let version: string;
  try {
    version = (await runCommand(["go", "env", "GOVERSION"], { env: { ...env, GOTOOLCHAIN: "local" }, signal })).trim();
  } catch (cause) {
    throw new Error(
      `Cannot build tailscaled and headscale: there is no Go, and ${minimum} or newer is needed\n${HINT}`,
      {
        cause,
      },
    );
  }
  if (isOlder(version.replace(/^go/, ""), minimum)) {
    throw new Error(
      `Cannot build tailscaled and headscale: this is ${version}, and ${minimum} or newer is needed\n${HINT}`,
    );
  }
  return version;
}

/** Compares number by number; what is no number (`rc1`) counts as 0. */
export function isOlder(version: string, minimum: string): boolean {
  const numbers = (text: string) => text.split(".").map((part) => Number(/^\d+/.exec(part)?.[0] ?? 0));
  const [found, wanted] = [numbers(version), numbers(minimum)];
  for (const [at, number] of wanted.entries()) {
    if ((found[at] ?? 0) !== number) return (found[at] ?? 0) < number;
  }
  return false;
}
