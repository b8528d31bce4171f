/**
 * Where the engine of `npm start` listens: on Unix sockets in its data folder, which is its owner's alone. An address of an engine is
 * `http://…`, or `unix:` and the path of a socket. The engine itself names the files: `<base-dir>/<node name>/ingress.sock`, `admin.sock`.
 */
import { join } from "node:path";

export const socketScheme = "unix:";

/** The engine's default is the host's name, and the data lives in a folder of that name: a renamed laptop would lose its payments. */
export const engineNodeName = "dev";

/** The folder of everything that belongs to the sandbox. */
export function sandboxDir(dataDir: string): string {
  return join(dataDir, "sandbox");
}

/** The engine's data in the folder of a Stripe account or of the sandbox. */
export function engineDir(targetDir: string): string {
  return join(targetDir, "engine");
}

export function ingressSocket(engineDataDir: string): string {
  return join(engineDataDir, engineNodeName, "ingress.sock");
}

export function adminSocket(engineDataDir: string): string {
  return join(engineDataDir, engineNodeName, "admin.sock");
}

export function socketAddress(path: string): string {
  return `${socketScheme}${path}`;
}
