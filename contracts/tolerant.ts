/**
 * What a reader makes of words that a newer version may have written: what it does not know is left out or gets the
 * nearest word it has, and the rest still counts. For an agent's messages and stored rows; own messages are strict.
 */
import { z } from "zod";
import { OutputType } from "./asset.ts";
import { MAX_CONDITIONS, Text } from "./bounds.ts";
import { ErrorCode, ErrorEnvelope } from "./errors.ts";
import { JobError } from "./job.ts";
import { Condition, PodCapability } from "./pod.ts";
import { Progress } from "./progress.ts";

/** An error that this version has no word for is `internal`; its message stays. */
export const TolerantErrorCode = ErrorCode.catch("internal");

export const TolerantErrorEnvelope = ErrorEnvelope.extend({ code: TolerantErrorCode });

const MAX_TEXT_CHARS = Text.maxLength ?? Infinity;

export const TolerantJobError = JobError.extend({
  code: TolerantErrorCode,
  message: z.string().transform((text) => text.slice(0, MAX_TEXT_CHARS)),
  hint: JobError.shape.hint.catch(null),
  nodeErrors: JobError.shape.nodeErrors.catch(null),
});

/** Conditions of a type or status that this version does not know are left out. */
export const TolerantConditions = z.array(z.unknown()).max(MAX_CONDITIONS).transform((items) =>
  items.flatMap((item) => {
    const condition = Condition.safeParse(item);
    return condition.success ? [condition.data] : [];
  })
);

/** A way to have ComfyUI that this version does not know is none of its own starting. */
export const TolerantCapability = PodCapability.extend({ comfyMode: PodCapability.shape.comfyMode.catch("attached") });

/** Progress is shown and nothing else: one that cannot be read is none. */
export const TolerantProgress = Progress.nullable().catch(null);

export const TolerantOutputType = OutputType.catch("file");
