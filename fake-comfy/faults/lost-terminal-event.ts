/** Clients never hear that a prompt ended; the history knows. */
import { type Fault, refusesAll } from "./fault.ts";

const TERMINAL = ["execution_success", "execution_error", "execution_interrupted"];

export const lostTerminalEvent: Fault = {
  name: "lost-terminal-event",
  summary: "no client hears of a prompt's end, neither execution_* nor executing with node null",
  refuses: refusesAll,
  passes(_armed, message) {
    return !TERMINAL.includes(message.type) && !(message.type === "executing" && message.data["node"] === null);
  },
};
