/** TLS before a test's control server, as one in use has, with a certificate that the caller's clock may find too new. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { fileURLToPath } from "node:url";

const at = (name: string) => new URL(`../../fixtures/tls/${name}`, import.meta.url);

/** What makes programs in Go trust the front. */
export const TRUSTED: Readonly<Record<string, string>> = { SSL_CERT_FILE: fileURLToPath(at("ca.pem")) };

export interface TlsFront extends AsyncDisposable {
  readonly url: string;
  /** For connections from now on. */
  show(certificate: Certificate): void;
}

/** `too new` is valid from 2090 on. */
export type Certificate = "valid" | "too new";

function contextOf(certificate: Certificate): { cert: Buffer; key: Buffer } {
  const name = certificate === "valid" ? "now.pem" : "not-before-2090.pem";
  return { cert: readFileSync(at(name)), key: readFileSync(at("server.key")) };
}

/** @param url of the server behind it, as `http://HOST:PORT` */
export async function startTlsFront(url: string, certificate: Certificate): Promise<TlsFront> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket)).on("error", () => socket.destroy());
  };
  const server = createServer(contextOf(certificate), (socket) => {
    const behind = connect({ host: hostname, port: Number(port) });
    keep(socket);
    keep(behind);
    socket.pipe(behind).pipe(socket);
    socket.once("close", () => behind.destroy());
    behind.once("close", () => socket.destroy());
  });
  // A caller who does not believe the certificate ends the handshake.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    show: (next) => server.setSecureContext(contextOf(next)),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
