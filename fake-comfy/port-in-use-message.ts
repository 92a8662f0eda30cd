/** The line ComfyUI logs when it cannot have its port. */
export function portInUseMessage(address: string, port: number): string {
  return `Port ${port} is already in use on address ${address}. Please close the other application or use a different ` +
    "port with --port.";
}
