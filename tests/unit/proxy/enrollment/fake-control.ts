// A control server in memory, which fails when it is told to.
import { FleetError } from "../../../../contracts/errors.ts";
import type { ControlApi, Device, MintKey } from "../../../../proxy/enrollment/port.ts";

export interface FakeControl extends ControlApi {
  minted: MintKey[];
  /** Ids of the keys that are in force. */
  live: Set<string>;
  devices: Device[];
  /** Minting fails from this many keys on. */
  failAfter: number;
  policyText: string;
  down: boolean;
}

const unavailable = () => new FleetError("tailnet_unavailable", "Cannot reach headscale's API: the connection failed");

export function fakeControl(nowMs: () => number): FakeControl {
  const control: FakeControl = {
    kind: "headscale",
    loginUrl: "https://control.example.com",
    minted: [],
    live: new Set(),
    devices: [],
    failAfter: Infinity,
    policyText: "{}",
    down: false,
    async mintKey(wanted) {
      await Promise.resolve();
      if (control.down || control.minted.length >= control.failAfter) throw unavailable();
      const id = String(control.minted.push(wanted));
      control.live.add(id);
      return { id, key: `hskey-auth-secret-${id}`, expiresAtMs: nowMs() + wanted.ttlMs };
    },
    async revokeKey(id) {
      await Promise.resolve();
      if (control.down) throw unavailable();
      control.live.delete(id);
    },
    async listDevices() {
      await Promise.resolve();
      if (control.down) throw unavailable();
      return [...control.devices];
    },
    async deleteDevice(id) {
      await Promise.resolve();
      if (control.down) throw unavailable();
      const at = control.devices.findIndex((device) => device.id === id);
      if (at >= 0) control.devices.splice(at, 1);
      return at >= 0;
    },
    policy: () => Promise.resolve(control.policyText),
  };
  return control;
}

export function device(fields: Partial<Device> & { id: string }): Device {
  return {
    hostname: `host-${fields.id}`,
    tags: ["tag:pod"],
    createdAtMs: 1_000_000,
    lastSeenAtMs: 0,
    online: false,
    joinedWith: "untold",
    ...fields,
  };
}
