/** Addresses and networks, such as those of proxies that are believed. */
import { BlockList, isIP } from "node:net";

/** `1.2.3.4`, `10.0.0.0/8`, `::1`, `fd00::/8`. */
const NETWORK = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/;

export type ProxyList = Pick<BlockList, "check">;

/** @throws RangeError for what is no address and no network */
export function proxyList(networks: readonly string[]): ProxyList {
  const list = new BlockList();
  for (const network of networks) {
    const [, address = "", prefix] = NETWORK.exec(network) ?? [];
    const version = isIP(address);
    const bits = version === 6 ? 128 : 32;
    if (version === 0 || Number(prefix ?? bits) > bits) {
      throw new RangeError(`'${network}' is no address and no network`);
    }
    list.addSubnet(address, Number(prefix ?? bits), version === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
