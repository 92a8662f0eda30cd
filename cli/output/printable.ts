/** Texts of others on a terminal: what a tenant's prompt or a node prints must not move the operator's cursor. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Without control characters but tab and line feed. */
export function printable(text: string): string {
  return text.replace(CONTROL, "");
}
