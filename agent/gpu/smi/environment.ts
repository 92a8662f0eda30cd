/** What nvidia-smi sees of the agent's environment: how to find itself and its libraries, and plain English. */

const KEPT = ["PATH", "LD_LIBRARY_PATH"];

export function smiEnvironment(parent: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(parent).flatMap(([name, value]) =>
    value !== undefined && (KEPT.includes(name) || name.startsWith("NVIDIA_")) ? [[name, value] as const] : []
  );
  return { ...Object.fromEntries(kept), LC_ALL: "C" };
}
