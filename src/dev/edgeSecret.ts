/**
 * The secret that the edge and the service of `npm start` share: the edge signs with it what it tells the handlers. Made at the first start,
 * readable by its owner only. Nothing that is kept depends on it: without the file the next start makes another one.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { privateFileMode } from "./privateFolder.ts";

/** Reads the secret in the folder, or makes it at the first start. */
export function edgeSecret(dir: string): string {
  const path = join(dir, "edge-secret");
  if (!existsSync(path)) {
    // Renamed into place: a start that is killed in between leaves no half of a secret.
    writeFileSync(`${path}.new`, randomBytes(32).toString("hex"), { mode: privateFileMode });
    renameSync(`${path}.new`, path);
  }
  return readFileSync(path, "utf8").trim();
}
