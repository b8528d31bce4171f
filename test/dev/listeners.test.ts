/** Where everything that `npm start` starts listens: on this machine only, unless told otherwise. Linux tells. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./conditions.ts";
import { settingsIn, start } from "./startProgram.ts";

type Listener = { readonly address: string; readonly port: number };

/** What the process and all below it listen on. https://man7.org/linux/man-pages/man5/proc_pid_net.5.html */
function listenersOf(pid: number): readonly Listener[] {
  const sockets = new Set([pid, ...descendantsOf(pid)].flatMap(socketsOf));
  return ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"].flatMap((table) =>
    readFileSync(table, "utf8")
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
        // 0A: a TCP socket listens; 07: a UDP socket is open to all.
        if (!sockets.has(inode) || (state !== "0A" && state !== "07")) return [];
        const [address = "", port = ""] = local.split(":");
        return [{ address: textOf(address), port: Number.parseInt(port, 16) }];
      }),
  );
}

/** The tables have each four bytes of an address in the order of this machine. */
function textOf(address: string): string {
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex")].toReversed());
  if (bytes.length === 4) return bytes.join(".");
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0)) ? "::1" : Buffer.from(bytes).toString("hex");
}

function descendantsOf(pid: number): readonly number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function parentOf(name: string): number {
  try {
    return Number(/\) \S+ (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1]);
  } catch {
    return 0;
  }
}

function socketsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((file) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${file}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}

test.skipIf(process.platform !== "linux").each([
  ["on this machine only", {}, "127.0.0.1"],
  ["on this machine only, the ingress among them where it has a port", { RESTATE_INGRESS_PORT: "PORT" }, "127.0.0.1"],
  ["elsewhere where EDGE_HOST says so, the edge alone", { EDGE_HOST: "0.0.0.0" }, "0.0.0.0"],
])("npm start listens %s", async (_where, more, edgeHost) => {
  const directory = temporaryDirectory();
  const { PORT = "", ...settings } = await settingsIn(directory);
  const [spare] = [(await settingsIn(directory))["PORT"] ?? ""];
  const ingress = "RESTATE_INGRESS_PORT" in more ? { RESTATE_INGRESS_PORT: spare } : {};
  const started = start(directory, { ...settings, PORT, ...more, ...ingress });
  await started.isReady();
  const listeners = listenersOf(started.pid);
  const named = [settings["EDGE_PORT"], settings["RESTATE_ADMIN_PORT"], settings["SANDBOX_PORT"], PORT];
  const expected = [...named, ...Object.values(ingress)].map(Number);
  // One more: the engine's nodes speak with each other over a port, which takes no calls.
  expect(listeners).toHaveLength(expected.length + 1);
  expect(listeners.map(({ port }) => port)).toEqual(expect.arrayContaining(expected));
  for (const { address, port } of listeners) {
    expect([port, address]).toEqual([port, port === Number(settings["EDGE_PORT"]) ? edgeHost : "127.0.0.1"]);
  }
  started.kill("SIGTERM");
  expect(await started.exited).toBe(0);
});
