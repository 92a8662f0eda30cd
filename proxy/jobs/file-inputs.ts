/** Which inputs of which classes read a file of the pod's: those of ComfyUI itself, and those that a known body says. */
import type { Clock } from "../time/clock.ts";
import { readsFile } from "./checks/upload.ts";
import type { KnownBody, ObjectInfoCache } from "./object-info-cache.ts";

export interface FileInputs {
  /** Asks the store at most once in {@link FileInputsOptions.freshMs}, and not at all for a graph without file names. */
  reader(): Promise<(classType: string, input: string) => boolean>;
}

export interface FileInputsOptions {
  objectInfo: Pick<ObjectInfoCache, "known">;
  clock: Pick<Clock, "monotonicMs">;
  /** How long the bodies that were known are believed to be all, ms. Default 5,000. */
  freshMs?: number;
}

export function createFileInputs({ objectInfo, clock, freshMs = 5_000 }: FileInputsOptions): FileInputs {
  let bodies: readonly KnownBody[] = [];
  let askedAtMs = -Infinity;

  function isUpload(classType: string, input: string): boolean {
    return bodies.some(({ info }) => {
      const inputs = info.get(classType)?.inputs;
      return (inputs?.required.get(input) ?? inputs?.optional.get(input))?.upload ?? false;
    });
  }

  return {
    async reader() {
      const nowMs = clock.monotonicMs();
      if (nowMs - askedAtMs >= freshMs) {
        bodies = await objectInfo.known();
        askedAtMs = nowMs;
      }
      return (classType, input) => readsFile(classType, input) || isUpload(classType, input);
    },
  };
}
