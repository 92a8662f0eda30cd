/** What the stand-in for nvidia-smi says, as a file between a test and the program. */
import { z } from "zod";

export const Scenario = z.object({
  fields: z.array(z.string()),
  /** One for each GPU: cells by field name. */
  gpus: z.array(z.record(z.string(), z.string())),
  /** Further lines before the rows of each round. */
  lines: z.array(z.string()).default([]),
  /** `hang`: says nothing more. Else it ends; `always` means that its help ends so too. */
  end: z.union([
    z.literal("hang"),
    z.object({ code: z.int(), stdout: z.string(), stderr: z.string(), always: z.boolean() }),
  ]).nullable().default(null),
});
export type Scenario = z.output<typeof Scenario>;
