/**
 * The address of an engine: `http://…`, or `unix:` and the path of a socket in a folder that nobody else can enter. The system takes only
 * short paths for sockets, so a long one is reached by a short link to it.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, renameSync, symlinkSync } from "node:fs";
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

/** The path itself where it is short enough, or a link to it in a folder of this user's. */
function shortSocketPath(path: string): string {
  if (Buffer.byteLength(path) <= longestSocketPath) return path;
  const known = links.get(path);
  if (known !== undefined) return known;
  const name = createHash("sha256").update(path).digest("hex").slice(0, 16);
  const link = join(linkFolder(), name);
  if (targetOf(link) !== path) {
    // Renamed into place: another process may be about to do the same.
    symlinkSync(path, `${link}.${process.pid}`);
    renameSync(`${link}.${process.pid}`, link);
  }
  links.set(path, link);
  return link;
}

const links = new Map<string, string>();

/**
 * One per user, so that nothing heaps up, whatever ends a process. The temporary folder is everybody's: if somebody else has made a folder
 * of that name, where he could lead the link elsewhere, it is one of this process.
 */
function linkFolder(): string {
  const folder = join(temporaryFolder(), `${folderPrefix}${process.getuid?.() ?? "user"}`);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    if (!isOursAlone(folder)) return mkdtempSync(join(temporaryFolder(), folderPrefix));
  }
  return folder;
}

const folderPrefix = "rsp-";

function isOursAlone(folder: string): boolean {
  const status = lstatSync(folder, { throwIfNoEntry: false });
  return status?.isDirectory() === true && status.uid === process.getuid?.() && (status.mode & 0o077) === 0;
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

/** Of the user's choice, unless that is long itself. */
function temporaryFolder(): string {
  const chosen = tmpdir();
  const longestLink = join(chosen, `${folderPrefix}4294967295`, "0123456789abcdef");
  return Buffer.byteLength(longestLink) <= longestSocketPath ? chosen : "/tmp";
}
