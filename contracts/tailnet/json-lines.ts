/** A stream of JSON values, one a line, of bounded length. */

/** A whole picture of a tailnet of thousands of nodes is a few megabytes. */
const MAX_LINE_CHARS = 64 * 1024 * 1024;

/** @throws SyntaxError for a line that is no JSON, RangeError for one without end */
export async function* readJsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARS) throw new RangeError("Cannot read a line of more than 64 Mi characters");
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
}
