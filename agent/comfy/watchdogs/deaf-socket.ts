/** When a deaf socket is ComfyUI's fault and not the connection's. */
import type { EndCause } from "../end-cause.ts";

/** Once is a socket that is opened anew; again is a ComfyUI whose delivery to all has stopped, which only a restart mends. */
export const DEAF_LIMIT = 2;

export const SOCKET_DEAF: EndCause = {
  reason: "SocketDeaf",
  message: "ComfyUI's WebSocket heard nothing of submitted prompts, also after it was opened anew",
};
