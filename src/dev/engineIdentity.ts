/**
 * The key that the engine of `npm start` signs its requests with, so that the service answers to nobody else on this machine: with a
 * live key, a request made by hand would charge. https://docs.restate.dev/services/security
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityKeyOf } from "../config/identityKey.ts";
import { privateFileMode } from "./privateFolder.ts";

export type EngineIdentity = {
  /** Of the private key, which only the engine reads. */
  readonly pemFile: string;
  /** For RESTATE_IDENTITY_KEYS. */
  readonly publicKey: string;
};

/** Reads the key in the folder, or makes it at the first start. */
export function engineIdentity(dir: string): EngineIdentity {
  const pemFile = join(dir, "engine-identity.pem");
  if (!existsSync(pemFile)) {
    const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    // Renamed into place: a start that is killed in between leaves no half of a key.
    writeFileSync(`${pemFile}.new`, pem, { mode: privateFileMode });
    renameSync(`${pemFile}.new`, pemFile);
  }
  return { pemFile, publicKey: identityKeyOf(createPublicKey(createPrivateKey(readFileSync(pemFile)))) };
}
