/** headscale's configuration, as JSON, which it reads as YAML. */
import { join } from "node:path";

export interface HeadscaleConfigOptions {
  dir: string;
  host: string;
  port: number;
  stunPort: number;
  policyPath: string;
}

/** Just above the 65 s that headscale allows. Ephemeral nodes that went without a word are removed after it. */
export const EPHEMERAL_TIMEOUT_MS = 66_000;

/**
 * Changes are told to nodes at once (`tuning`), where its defaults gather them for 0.5 to 0.8 s: the only thing here that
 * differs from a headscale in use. Relay and STUN are its own, and it asks nobody for anything.
 */
export function headscaleConfig({ dir, host, port, stunPort, policyPath }: HeadscaleConfigOptions): string {
  return JSON.stringify({
    server_url: `http://${host}:${port}`,
    listen_addr: `${host}:${port}`,
    metrics_listen_addr: "",
    noise: { private_key_path: join(dir, "noise.key") },
    prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" },
    derp: {
      server: {
        enabled: true,
        region_id: 999,
        region_code: "test",
        region_name: "test",
        verify_clients: true,
        stun_listen_addr: `${host}:${stunPort}`,
        private_key_path: join(dir, "derp.key"),
        automatically_add_embedded_derp_region: true,
        ipv4: host,
        ipv6: "none",
      },
      urls: [],
      paths: [],
      auto_update_enabled: false,
    },
    disable_check_updates: true,
    node: { expiry: 0, ephemeral: { inactivity_timeout: `${EPHEMERAL_TIMEOUT_MS / 1_000}s` } },
    database: { type: "sqlite", sqlite: { path: join(dir, "headscale.db"), write_ahead_log: true } },
    log: { level: "info" },
    policy: { mode: "file", path: policyPath },
    dns: {
      magic_dns: true,
      base_domain: "tail.test",
      override_local_dns: false,
      nameservers: { global: [] },
    },
    unix_socket: join(dir, "headscale.sock"),
    unix_socket_permission: "0700",
    logtail: { enabled: false },
    tuning: { batch_change_delay: "10ms", node_store_batch_timeout: "10ms" },
  });
}
