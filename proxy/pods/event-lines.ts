/** Server-sent events out of their bytes, as the agent writes them: each with its name, `message` where it has none. */

export type OnEvent = (name: string, data: string) => void;

/** Takes each chunk in turn. How much of one event is kept is for others to bound; comments and ids are passed over. */
export function createEventLines(onEvent: OnEvent): (chunk: Uint8Array) => void {
  const decoder = new TextDecoder();
  /** Of a line that has not ended, in pieces: joined once, so that a long one is not copied for each. */
  let begun: string[] = [];
  let name = "message";
  let data: string[] = [];

  function valueOf(line: string, field: string): string {
    return line.slice(line[field.length] === " " ? field.length + 1 : field.length);
  }

  function take(line: string): void {
    if (line.startsWith("data:")) data.push(valueOf(line, "data:"));
    else if (line.startsWith("event:")) name = valueOf(line, "event:");
    if (line !== "") return;
    // An event without data is none.
    if (data.length > 0) onEvent(name, data.join("\n"));
    name = "message";
    data = [];
  }

  return (chunk) => {
    const [first = "", ...rest] = decoder.decode(chunk, { stream: true }).split("\n");
    begun.push(first);
    for (const next of rest) {
      const line = begun.join("");
      begun = [next];
      take(line.endsWith("\r") ? line.slice(0, -1) : line);
    }
  };
}
