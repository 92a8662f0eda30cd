/** `--label KEY=VALUE` → metadata; the edge judges keys and values. */
import { FleetError } from "../client/mod.ts";

/** @throws FleetError `invalid_input` for one without a key and `=`, and for a key given twice */
export function parseLabels(labels: readonly string[]): Record<string, string> {
  const pairs = labels.map((label) => {
    const at = label.indexOf("=");
    if (at > 0) return [label.slice(0, at), label.slice(at + 1)] as const;
    throw new FleetError("invalid_input", `Cannot read --label '${label}': expected KEY=VALUE`, {
      hint: "For example --label project=spring.",
    });
  });
  const twice = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) !== index);
  if (twice === undefined) return Object.fromEntries(pairs);
  throw new FleetError("invalid_input", `Cannot read --label '${twice[0]}': the key is given twice`, {
    hint: "A job has one value for each key.",
  });
}
