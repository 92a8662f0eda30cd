/**
 * What a person pastes on a pod's machine. The key goes through a builtin of the shell into a file that only its user may
 * read: no process has it among its arguments. Pure.
 */
import type { EnrolledPod } from "../../contracts/edge/enrolment.ts";

/** Within quotes of the shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Letters of the id that tell pods of one machine apart: a socket's path must stay short. */
const SHORT_CHARS = 8;

/** Folder of the agent's state, for {@link startCommand} and for the commands that look at it. */
export function stateFolder({ podId }: Pick<EnrolledPod, "podId">): string {
  return `.comfyfleet/pod-${podId.slice(-SHORT_CHARS)}`;
}

/** @param controlUrl null for Tailscale's own */
export function startCommand(pod: EnrolledPod, controlUrl: string | null): string {
  const folder = stateFolder(pod);
  const keyFile = `${folder}.key`;
  const settings = [
    `TS_AUTHKEY=file:${keyFile}`,
    ...(controlUrl === null ? [] : [`TS_CONTROL_URL=${quoted(controlUrl)}`]),
    `TS_HOSTNAME=${quoted(pod.name)}`,
    `AGENT_STATE_DIR=${folder}`,
  ];
  return [
    `mkdir -p .comfyfleet && (umask 077 && printf %s ${quoted(pod.key)} > ${keyFile}) &&`,
    ...settings.map((setting) => `${setting} \\`),
    // Never from the registry: whoever had the name there would get a machine with a key.
    "npx --no comfyfleet agent start",
  ].join("\n");
}

/** What else that machine needs, as comments of the shell. */
export const START_NEEDS = [
  "# Needs Node 24 with npm, and tailscaled on the PATH (or TAILSCALED=/path/to/it).",
  "# comfyfleet: 'npm install ./comfyfleet-*.tgz' in this folder; 'npm pack' in a checkout makes that file.",
  "# ComfyUI: COMFYUI_DIR, COMFYUI_URL or COMFYUI_COMMAND; without them ./ComfyUI or ~/ComfyUI.",
].join("\n");
