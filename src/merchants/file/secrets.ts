/** Reads the secrets that the file of merchants names: a variable of the environment, or a file of its own. No message holds one. */
import { resolve } from "node:path";
import { FileProblem, readOwnFile } from "../../config/ownFile.ts";
import type { Environment } from "../../config/settings.ts";

/** What a reference leads to, or why to nothing, as the end of a sentence. */
export type Secret =
  | { readonly isFound: true; readonly text: string }
  | { readonly isFound: false; readonly problem: string };

/** Reads each reference once. */
export type SecretReader = {
  read(reference: string): Secret;
  /** What was read, for comparison. */
  seen(): string;
};

/** @param folder the one that paths start from */
export function secretReader(folder: string, environment: Environment): SecretReader {
  const found = new Map<string, Secret>();
  return {
    read(reference) {
      const secret = found.get(reference) ?? secretAt(reference, folder, environment);
      found.set(reference, secret);
      return secret;
    },
    seen: () => JSON.stringify([...found]),
  };
}

function secretAt(reference: string, folder: string, environment: Environment): Secret {
  const [, kind, name = ""] = /^(env|file):(.*)$/s.exec(reference) ?? [];
  try {
    const text = (kind === "env" ? (environment[name] ?? "") : readOwnFile(resolve(folder, name)).text).trim();
    if (text !== "") return { isFound: true, text };
    const problem = kind === "env" ? "names a variable that is not set" : "names a file that is empty";
    return { isFound: false, problem };
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    return { isFound: false, problem: `names a file that ${error.message}` };
  }
}
