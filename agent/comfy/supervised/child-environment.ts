/** The environment ComfyUI and every custom node in it see: nothing of the agent's that they do not need. */

const KEPT = ["PATH", "HOME", "LANG", "LD_LIBRARY_PATH"];
const KEPT_PREFIXES = ["CUDA_", "NVIDIA_"];

/**
 * @param parent the agent's own environment
 * @param extra what the operator adds; it wins
 */
export function childEnvironment(
  parent: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const kept = Object.entries(parent).flatMap(([name, value]) =>
    value !== undefined && (KEPT.includes(name) || KEPT_PREFIXES.some((prefix) => name.startsWith(prefix)))
      ? [[name, value] as const]
      : []
  );
  // Python buffers a file by blocks: a crash would take the last lines of the log with it.
  return { ...Object.fromEntries(kept), PYTHONUNBUFFERED: "1", ...extra };
}
