/** The help text of the stand-in's own flags. */
import { FAULTS } from "./faults/registry.ts";

/** What `--help` prints. */
export function usageText(): string {
  const faults = [...FAULTS.values()].map(({ name, summary }) => `  ${name.padEnd(20)} ${summary}`);
  return [
    "usage: main.ts [--port PORT] [any flag of ComfyUI's main.py] ...",
    "",
    "A stand-in that speaks ComfyUI's HTTP and WebSocket and really runs sixteen classes without weights.",
    "",
    "  --port N             0 picks a free port and prints it (default 8188)",
    "  --control-port N     a second port on 127.0.0.1 to arm faults and read state; 0 picks a free one",
    "  --step-ms N          time per progress step in ms (default: 7.5 ms for a frame of 512 x 512, by size)",
    "  --start-delay-ms N   waits this long before the port opens",
    "  --previews [jpeg|png] sends a preview frame with each progress step",
    "  --services [models|classes] plays the classes of the services, with every model they ask for or with none;",
    "                       no model runs, and the clip that comes says TEST",
    "  --partner-node       has a class PartnerKeyProbe, which shows what became of a caller's partner key",
    "  --fault NAME[=ARG]   misbehaves; may be given more than once:",
    "",
    ...faults,
    "",
  ].join("\n");
}
