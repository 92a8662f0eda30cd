/** The process ends before its port opens, as with a broken installation. */
import type { Fault } from "./fault.ts";

const DEFAULT_CODE = 1;

export const exitAtStart: Fault = {
  name: "exit-at-start",
  summary: "the process ends before its port opens; argument: the exit code, 0 to 255 (default 1)",
  refuses(argument) {
    if (argument === null || (/^\d{1,3}$/.test(argument) && Number(argument) <= 255)) return null;
    return `"${argument}" is not an exit code: use 0 to 255`;
  },
  beforeListen({ argument, surface }) {
    surface.logError("RuntimeError: fake-comfy was told to end at its start");
    surface.exit(argument === null ? DEFAULT_CODE : Number(argument));
  },
};
