/** A plain TCP connection from one place to an address, past every tailscaled. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Place } from "./places.ts";

const CONNECT = `
  import { connect } from "node:net";
  const [host, port] = process.argv.slice(1);
  const socket = connect({ host, port: Number(port), timeout: 3_000 });
  const end = (said) => { console.log(said); socket.destroy(); };
  socket.once("connect", () => end("open")).once("timeout", () => end("silent")).on("error", ({ code }) => end(code));
`;

/** `open`, `silent` for no answer within 3 s, or the error's code. */
export async function connectFrom(place: Place, { host, port }: { host: string; port: number }): Promise<string> {
  const script = [process.execPath, "--input-type=module", "--eval", CONNECT, host, String(port)];
  const [program = "", ...args] = place.wrap(script);
  return (await promisify(execFile)(program, args, { timeout: 20_000 })).stdout.trim();
}
