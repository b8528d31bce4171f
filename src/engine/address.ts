/**
 * The address of an engine: `http://…`, or `unix:` and the path of a socket in a folder that nobody else can enter. The system takes only
 * short paths for sockets, so a long one is reached by a short link to it.
 */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { socketScheme } from "../config/engineSockets.ts";

/** How a client of HTTP connects: `origin` begins the URL and is the `Host`, `socketPath` is where the connection goes instead. */
export type Connection = { readonly origin: string; readonly socketPath: string | null };

export function connectionTo(address: string): Connection {
  if (!address.startsWith(socketScheme)) return { origin: address, socketPath: null };
  return { origin: "http://localhost", socketPath: shortSocketPath(address.slice(socketScheme.length)) };
}

/** 103 bytes and a zero on macOS, 107 on Linux. https://man7.org/linux/man-pages/man7/unix.7.html */
const longestSocketPath = 103;

/** The path itself where it is short enough, or a link to it in a private folder that goes when this process ends. */
function shortSocketPath(path: string): string {
  if (Buffer.byteLength(path) <= longestSocketPath) return path;
  const known = links.get(path);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(shortTemporaryFolder(), "rsp-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const link = join(folder, "s");
  symlinkSync(path, link);
  links.set(path, link);
  return link;
}

const links = new Map<string, string>();

/** Of the user's choice, unless that is long itself. */
function shortTemporaryFolder(): string {
  const chosen = tmpdir();
  return Buffer.byteLength(join(chosen, "rsp-xxxxxx", "s")) <= longestSocketPath ? chosen : "/tmp";
}
