/** Bytes of ComfyUI's log → lines: ANSI codes stripped, split on `\r` and `\n`, bounded. Pure but for what is half read. */

export interface LogLine {
  text: string;
  /** Ended by a lone `\r`: a progress bar that the next line overwrites. */
  transient: boolean;
  /** Not the beginning of a line, but a later piece of one that was cut: what starts it means nothing. */
  isRest?: true;
}

/** Longer lines are cut into pieces of this many characters, so that a log without line ends cannot grow for ever. */
export const MAX_LINE_CHARS = 4_096;

const ANSI = /\u001b\[[0-?]*[ -/]*[@-~]/g;

export interface LogSplitter {
  /** The lines that these bytes complete. */
  push(bytes: Uint8Array): LogLine[];
  /** The line that was never ended, if any. */
  flush(): LogLine[];
}

export function createLogSplitter(): LogSplitter {
  const decoder = new TextDecoder();
  let rest = "";
  let isCut = false;
  const take = (text: string): LogLine[] => {
    const lines: LogLine[] = [];
    rest += text;
    // A `\r` at the very end may be half of a `\r\n`: it waits for the next byte.
    for (let end = rest.search(/\n|\r(?!$)/); end >= 0; end = rest.search(/\n|\r(?!$)/)) {
      const crlf = rest.startsWith("\r\n", end);
      add(lines, rest.slice(0, end), { transient: rest[end] === "\r" && !crlf, isRest: isCut });
      isCut = false;
      rest = rest.slice(end + (crlf ? 2 : 1));
    }
    while (rest.length > MAX_LINE_CHARS) {
      add(lines, rest.slice(0, MAX_LINE_CHARS), { transient: false, isRest: isCut });
      isCut = true;
      rest = rest.slice(MAX_LINE_CHARS);
    }
    return lines;
  };
  return {
    push: (bytes) => take(decoder.decode(bytes, { stream: true })),
    flush() {
      const lines = take(decoder.decode());
      if (rest !== "") add(lines, rest.replace(/\r$/, ""), { transient: rest.endsWith("\r"), isRest: isCut });
      rest = "";
      isCut = false;
      return lines;
    },
  };
}

function add(lines: LogLine[], raw: string, { transient, isRest }: { transient: boolean; isRest: boolean }): void {
  const text = raw.replace(ANSI, "").trimEnd();
  if (text === "") return;
  // A very long whole line may come here in one piece.
  lines.push({ text: text.slice(0, MAX_LINE_CHARS), transient, ...(isRest ? { isRest } : {}) });
}
