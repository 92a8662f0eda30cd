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

/** The one argument that tells the daemon of a folder from every other process: `tailscale` is given its socket too. */
export function stateArgument({ state }: Pick<DaemonFiles, "state">): string {
  return `--state=${state}`;
}

/** Below the ports that systems give to clients. */
const UDP_PORTS = { first: 20_000, count: 12_000 };

/**
 * The same one for a folder each time: peers go on sending to where a node was for five seconds and more, and a daemon
 * that was killed is heard at once only if it comes back there. One that is taken is no harm: tailscaled takes another.
 */
function udpPortOf(folder: string): number {
  let hash = 0x81_1c_9d_c5;
  for (const byte of new TextEncoder().encode(folder)) hash = Math.imul(hash ^ byte, 0x01_00_01_93) >>> 0;
  return UDP_PORTS.first + hash % UDP_PORTS.count;
}

/** @param udpPort for WireGuard. An edge with a public address has one that its firewall lets through. */
export function daemonArguments(files: DaemonFiles, { udpPort }: { udpPort?: number } = {}): string[] {
  return [
    "--tun=userspace-networking",
    stateArgument(files),
    `--statedir=${files.folder}`,
    `--socket=${files.socket}`,
    `--port=${udpPort ?? udpPortOf(files.folder)}`,
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
