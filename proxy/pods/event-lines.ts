/** Server-sent events out of their bytes, as the agent writes them: each with its name, `message` where it has none. */

export type OnEvent = (name: string, data: string) => void;

/** Chunks of one line that are kept by themselves: each costs more than its bytes, where they are few. */
const MAX_PIECES = 1_024;

/** Takes each chunk in turn. How much of one event is kept is for others to bound; comments and ids are passed over. */
export function createEventLines(onEvent: OnEvent): (chunk: Uint8Array) => void {
  const decoder = new TextDecoder();
  /** Of a line that has not ended, in pieces: joined seldom, so that a long one is not copied for each. */
  let begun: string[] = [];
  /** The pieces before those. */
  let joined: string[] = [];
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
    if (begun.length >= MAX_PIECES) {
      joined.push(begun.join(""));
      begun = [];
    }
    for (const next of rest) {
      const line = [...joined, ...begun].join("");
      joined = [];
      begun = [next];
      take(line.endsWith("\r") ? line.slice(0, -1) : line);
    }
  };
}
