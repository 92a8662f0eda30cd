/** Combo values: in the list, or a model that is not there yet, or wrong. */
import { isAssetReference } from "../../../contracts/workflow.ts";
import { comparable, type InputInfo } from "../input-info.ts";
import { looksLikeFile, looksLikeModelFile } from "../model-file.ts";

export type ChoiceVerdict = { kind: "ok" } | { kind: "missing_models"; names: string[] } | {
  kind: "wrong";
  reason: string;
};

const OK: ChoiceVerdict = { kind: "ok" };
/** As many as ComfyUI itself shows. */
const MAX_SHOWN = 20;

function wrong(values: readonly unknown[], options: ReadonlySet<unknown>): ChoiceVerdict {
  const given = values.map((value) => JSON.stringify(value)).join(", ").slice(0, 200);
  const list = [...options];
  const hidden = list.length > MAX_SHOWN || list.some(looksLikeFile);
  const choices = hidden ? `the ${list.length} choices` : list.map((option) => JSON.stringify(option)).join(", ");
  return { kind: "wrong", reason: `${given} is none of ${choices}` };
}

/** For an input with choices; `value` with `__value__` already unwrapped. */
export function checkChoice(value: unknown, { choices, multiselect }: InputInfo): ChoiceVerdict {
  // An empty list says nothing: its class judges for itself (CustomCombo), or the folder behind it is empty.
  // The staged file behind an asset reference is listed by the time ComfyUI looks.
  if (!choices || isAssetReference(value)) return OK;
  const given: unknown[] = multiselect && Array.isArray(value) ? value : [value];
  const absent = given.filter((item) => !choices.values.has(comparable(item)));
  if (absent.length === 0) return OK;
  const names = absent.filter((item): item is string =>
    looksLikeModelFile(item) || (choices.allModels && typeof item === "string")
  );
  if (names.length === absent.length) return { kind: "missing_models", names };
  return choices.values.size === 0 ? OK : wrong(absent, choices.values);
}
