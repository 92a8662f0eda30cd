/** The ComfyUI version whose behaviour the stand-in shows, and reports as its own. */
export const COMFYUI_VERSION = "0.33.0";
