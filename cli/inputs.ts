/** `--input NAME=VALUE` → values: JSON where it is JSON, else text; `@path` a file, `@@…` text that starts with `@`. */
import { file, FleetError, type InputValues } from "../client/mod.ts";

export interface InputWords {
  /** What stands before the `=`, for the message. */
  name: string;
  examples: string;
  /** Whether the input is a text whatever it looks like. */
  isText?: (name: string) => boolean;
}

const OF_NODES: InputWords = {
  name: "NODE.INPUT",
  examples: "For example --input 6.text='a cat', --input 'Load Image.image=@cat.png'.",
};

/** @throws FleetError `invalid_input` for one without a name and `=` */
export function parseInputs(inputs: readonly string[], words: InputWords = OF_NODES): InputValues {
  const values: [string, InputValues[string]][] = inputs.map((input) => {
    const at = input.indexOf("=");
    if (at <= 0) {
      throw new FleetError("invalid_input", `Cannot read --input '${input}': expected ${words.name}=VALUE`, {
        hint: words.examples,
      });
    }
    const name = input.slice(0, at);
    const text = input.slice(at + 1);
    return [name, words.isText?.(name) ? textOf(text) : parseValue(text)];
  });
  return Object.fromEntries(values);
}

/** A prompt may begin with `@`, which no file is meant by. */
function textOf(text: string): string {
  return text.startsWith("@@") ? text.slice(1) : text;
}

function parseValue(text: string): InputValues[string] {
  if (text.startsWith("@@")) return text.slice(1);
  if (text.startsWith("@")) return file(text.slice(1));
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
