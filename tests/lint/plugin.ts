/** Our own lint rules as an oxlint plugin; .oxlintrc.json turns them on, tests/lint/rules.test.ts proves each of them. */
import { adapters, direction, layers } from "./import-rules.ts";
import { runtimeGlobals } from "./runtime-globals.ts";

export default {
  meta: { name: "comfyfleet" },
  rules: { layers, adapters, direction, "runtime-globals": runtimeGlobals },
};
