/** A class that no ComfyUI has by itself: it is given the caller's partner key, and shows what became of it. */
import { createHash } from "node:crypto";
import { PyError } from "../python.ts";
import { classicNode } from "./define.ts";
import { textInput } from "./inputs.ts";

/** `PartnerKeyProbe`, as the Python of the same name beside the real one's tests. Only with `--partner-node`. */
export const partnerKeyProbe = classicNode({
  name: "PartnerKeyProbe",
  displayName: "PartnerKeyProbe",
  category: "tests",
  pythonModule: "custom_nodes.partner_key_probe",
  inputs: {
    act: { type: ["digest", "print", "raise"] },
    mark: { type: "STRING", options: { default: "" } },
  },
  hidden: { api_key: "API_KEY_COMFY_ORG" },
  outputs: ["STRING"],
  isOutputNode: true,
}, {
  run(inputs, { print }) {
    const key = inputs["api_key"] === null ? "" : textInput(inputs, "api_key");
    const act = textInput(inputs, "act");
    if (act === "print") print(`the key is ${key}`);
    if (act === "raise") throw new PyError("RuntimeError", `the key is ${key}`);
    const digest = createHash("sha256").update(key).digest("hex");
    return { outputs: [digest], ui: { text: [digest] } };
  },
});
