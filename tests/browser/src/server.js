// Starts a server of our own on a free port with a temporary data directory, and stops it. Nothing outlives a test file.

import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const binary = process.env.BOOKING_BINARY ?? join(root, "target/debug/clinic-booking");

// A log is read again until it says what is waited for: the server itself is the only one who knows when it is ready.
async function said(server, pattern, seconds = 120) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const found = pattern.exec(server.log());
    if (found) return found;
    if (server.child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the server did not say ${pattern}:\n${server.log()}`);
}

/** A port that nobody listens on: the address of the operations listener is not printed. */
async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function launch(command, data, more) {
  const path = join(data, "log");
  const log = openSync(path, "w");
  const operations = `127.0.0.1:${await freePort()}`;
  // Every visitor of these tests comes from an address of its own, said by a proxy: the budgets per source hold.
  const listening = ["--listen", "127.0.0.1:0", "--ops-listen", operations, "--trusted-proxy", "127.0.0.1"];
  const child = spawn(binary, [command, "--data", data, ...listening, ...more], {
    stdio: ["ignore", log, log],
    env: { ...process.env, NO_COLOR: "1", RUST_LOG: process.env.RUST_LOG ?? "info" },
  });
  const server = { child, data, operations: `http://${operations}`, log: () => readFileSync(path, "utf8") };
  server.stop = async () => {
    const ended = child.exitCode === null && new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  process.once("exit", () => child.kill("SIGKILL"));
  return server;
}

/** The demo clinic: its address, slug, clinic id and accounts by role. */
export async function demo(...more) {
  const server = await launch("demo", mkdtempSync(join(tmpdir(), "clinic-")), more);
  server.address = (await said(server, /Listening on (http:\/\/\S+)/))[1];
  const [, clinic, slug] = await said(server, /Demo clinic (\S+) at \/p\/(\S+)/);
  await said(server, /^\s+auditor\s/m);
  const accounts = [...server.log().matchAll(/^\s+(administrator|scheduler|practitioner|auditor)\s+(\S+)\s+(\S+)$/gm)];
  Object.assign(server, { clinic, slug });
  server.accounts = Object.fromEntries(accounts.map(([, role, email, password]) => [role, { email, password }]));
  return server;
}

/** A server on an empty database, with what `clinic create` printed. */
export async function empty(name, administrator) {
  const data = mkdtempSync(join(tmpdir(), "clinic-"));
  const made = spawnSync(binary, ["clinic", "create", "--data", data, "--json", "--name", name, "--admin-email", administrator, "--admin-name", "First"], {
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`clinic create: ${made.stderr}`);
  const server = await launch("serve", data, []);
  server.address = (await said(server, /Listening on (http:\/\/\S+)/))[1];
  server.created = JSON.parse(made.stdout);
  return server;
}
