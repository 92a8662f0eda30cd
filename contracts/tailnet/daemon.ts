/**
 * How a `tailscaled` of ours is started: in userspace mode, so that it needs neither root nor a device, without any proxy
 * port, without upload of its log, and with its state in a file, so that it comes back as the same node without a key.
 */

/** All that a daemon keeps lies in one folder, which only its user may enter (0700). Paths are absolute. */
export interface DaemonFiles {
  folder: string;
  /** Made 0600 by tailscaled. Whoever has it is the node. */
  state: string;
  /** LocalAPI. Its path may have at most {@link MAX_SOCKET_PATH_BYTES}. */
  socket: string;
  /** What the daemon says; never a pipe, which would end it with whoever reads. */
  log: string;
}

/** Longest path that a unix socket may have on Linux and macOS. */
export const MAX_SOCKET_PATH_BYTES = 103;

/** @param folder absolute, without a slash at its end */
export function daemonFiles(folder: string): DaemonFiles {
  return {
    folder,
    state: `${folder}/tailscaled.state`,
    socket: `${folder}/tailscaled.sock`,
    log: `${folder}/tailscaled.log`,
  };
}

/** The one argument that tells the daemon of a folder from every other process. */
export function socketArgument({ socket }: Pick<DaemonFiles, "socket">): string {
  return `--socket=${socket}`;
}

/** @param udpPort for WireGuard; 0: any. An edge with a public address has a fixed one, so that pods find it directly. */
export function daemonArguments(files: DaemonFiles, { udpPort = 0 }: { udpPort?: number } = {}): string[] {
  return [
    "--tun=userspace-networking",
    `--state=${files.state}`,
    `--statedir=${files.folder}`,
    socketArgument(files),
    `--port=${udpPort}`,
    "--no-logs-no-support",
  ];
}

/** `PORT` would become the UDP port, a proxy's variables its way out, and TS_AUTHKEY is nobody's but ours. */
const KEPT = ["PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"];
/** Switches of tests without a way out. */
const KEPT_PREFIXES = ["TS_DEBUG_", "TS_ASSUME_"];

/** The whole environment of the daemon, made of its parent's. */
export function daemonEnvironment(parent: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(parent).flatMap(([name, value]) =>
    value !== undefined && (KEPT.includes(name) || KEPT_PREFIXES.some((prefix) => name.startsWith(prefix)))
      ? [[name, value] as const]
      : []
  );
  return {
    ...Object.fromEntries(kept),
    TS_NO_LOGS_NO_SUPPORT: "1",
    // By itself it notices a dead peer after two hours.
    TS_NETSTACK_KEEPALIVE_IDLE: "60s",
    TS_NETSTACK_KEEPALIVE_INTERVAL: "15s",
  };
}
