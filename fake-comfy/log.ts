/**
 * The server's log: coloured lines as ComfyUI writes them, kept in a ring of the last 300 writes for
 * `/internal/logs/raw` and handed to subscribers.
 */

/** One write, as `/internal/logs/raw` shows it. */
export interface LogEntry {
  /** Local time, ISO form without a zone. */
  t: string;
  /** The text with its ANSI codes and line end. */
  m: string;
}

/** Where a log writes. */
export interface LogSink {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** `--log-stdout`: everything below an error goes to stdout. */
  readonly infoToStdout: boolean;
}

const RING_SIZE = 300;
const RESET = "\u001b[0m";
const COLORS = { INFO: "\u001b[32m", WARNING: "\u001b[1m\u001b[33m", ERROR: "\u001b[1m\u001b[31m" };

/** The process's log. */
export class Log {
  readonly #sink: LogSink;
  readonly #entries: LogEntry[] = [];
  readonly #listeners = new Set<(entry: LogEntry) => void>();

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  info(message: string): void {
    this.#write("INFO", message);
  }

  warning(message: string): void {
    this.#write("WARNING", message);
  }

  error(message: string): void {
    this.#write("ERROR", message);
  }

  /** Writes without a level tag to stderr, as Python does for an uncaught exception in a thread. */
  raw(text: string): void {
    this.#keep(text);
    this.#sink.stderr(text);
  }

  /** Writes a line to stdout, as `print` does. */
  print(text: string): void {
    this.#keep(`${text}\n`);
    this.#sink.stdout(`${text}\n`);
  }

  /** The last 300 writes, oldest first. */
  entries(): readonly LogEntry[] {
    return this.#entries;
  }

  /** Calls `listener` for every further write; returns a function that stops it. */
  subscribe(listener: (entry: LogEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #write(level: keyof typeof COLORS, message: string): void {
    const line = `${COLORS[level]}[${level}]${RESET} ${message}\n`;
    this.#keep(line);
    if (this.#sink.infoToStdout && level !== "ERROR") this.#sink.stdout(line);
    else this.#sink.stderr(line);
  }

  #keep(text: string): void {
    const entry = { t: new Date().toISOString().replace("Z", "000"), m: text };
    this.#entries.push(entry);
    if (this.#entries.length > RING_SIZE) this.#entries.shift();
    for (const listener of this.#listeners) listener(entry);
  }
}
