/**
 * A process with tailscaled's arguments that does as it does with its state: joins with a key that nobody has used, keeps
 * who it is in the state file, comes back from it, and forgets it at a logout. Keys that were used lie beside it.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runningStatus, startFakeLocalApi } from "./fake-local-api.ts";

function argument(name: string): string {
  const found = process.argv.find((arg) => arg.startsWith(`--${name}=`));
  if (found === undefined) throw new Error(`Cannot run without --${name}`);
  return found.slice(name.length + 3);
}

const state = argument("state");
const socketPath = argument("socket");
const usedKeys = join(dirname(dirname(state)), "used-keys");
const environment = Object.keys(process.env).filter((name) => name !== "PATH" && name !== "HOME").toSorted();
console.log(JSON.stringify({ environment }));

const LOGGED_OUT = { BackendState: "NeedsLogin", Health: ["Tailscale is stopped."] };

rmSync(socketPath, { force: true });
const fake = await startFakeLocalApi({ socketPath });
const running = () => {
  const id = readFileSync(state, "utf8");
  return runningStatus({ Self: { ID: id, HostName: "pod", TailscaleIPs: ["100.64.0.1"], Tags: ["tag:pod"] } });
};
let key: string | null = null;
fake.status = existsSync(state) ? running() : LOGGED_OUT;
fake.onStart = (options) => {
  key = (options as { AuthKey: string }).AuthKey;
};
fake.onLogin = () => {
  const used = existsSync(usedKeys) ? readFileSync(usedKeys, "utf8").split("\n") : [];
  if (key === null || used.includes(key)) {
    fake.status = { ...LOGGED_OUT, Health: ["You are logged out. The last login error was: authkey already used"] };
    return;
  }
  appendFileSync(usedKeys, `${key}\n`);
  writeFileSync(state, crypto.randomUUID(), { mode: 0o600 });
  fake.status = running();
};
fake.onLogout = () => {
  writeFileSync(state, "", { mode: 0o600 });
  fake.status = LOGGED_OUT;
  return null;
};
process.on("SIGINT", () => process.exit(0));
// No test that fails leaves it behind.
setInterval(() => existsSync(dirname(state)) || process.exit(1), 1_000).unref();
