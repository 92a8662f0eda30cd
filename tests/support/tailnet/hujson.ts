/** JSON with comments and commas before closing brackets, as policies are written. */

/** A text, or what HuJSON adds to JSON; what is within a text is no comment. */
const TOKEN = /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[\]}])/g;

/** @throws SyntaxError for anything else */
export function parseHujson(text: string): unknown {
  return JSON.parse(text.replace(TOKEN, (_, quoted: string | undefined) => quoted ?? ""));
}
