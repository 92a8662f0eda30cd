/** Words of ComfyUI's that reach a job's caller: where things lie on the pod is nobody's business. */

const ABSOLUTE_PATH = /(^|[\s'"(=:,])\/(?:[^\s'"/:]+\/)+([^\s'"/:]*)/g;

/** Absolute paths cut down to their last part, which says what is meant. URLs stay. */
export function withoutPaths(text: string): string {
  return text.replace(ABSOLUTE_PATH, "$1…/$2");
}
