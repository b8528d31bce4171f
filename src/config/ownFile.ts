/** A file that an operator writes for us: how its text is read, and who else may write it. A message never holds what is in the file. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** Why a file can't be read, as the end of a sentence: `does not exist`. */
export class FileProblem extends Error {
  override readonly name = "FileProblem";
  readonly isMissing: boolean;
  constructor(problem: string, options?: ErrorOptions & { readonly isMissing?: boolean }) {
    super(problem, options);
    this.isMissing = options?.isMissing ?? false;
  }
}

/** Far more than the keys, or the merchants, of anybody need. */
const maximumBytes = 16 * 1024 * 1024;

export type OwnFile = { readonly text: string; readonly mode: number };

/** @throws FileProblem when there is no such file, or it can't be read */
export function readOwnFile(path: string): OwnFile {
  try {
    // A pipe would keep its reader waiting for a writer.
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const status = fstatSync(file);
      if (!status.isFile()) throw new FileProblem("is no file");
      if (status.size > maximumBytes) throw new FileProblem("is larger than 16 MiB");
      return { text: readFileSync(file, "utf8"), mode: status.mode };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof FileProblem) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    if (code === "ENOENT") throw new FileProblem("does not exist", { cause: error, isMissing: true });
    throw new FileProblem(`can't be read (${code})`, { cause: error });
  }
}

/** How a file is open to others, where they have one of these rights; null where they have none. */
export function openness(mode: number, rightsOfOthers: number): string | null {
  if (process.platform === "win32" || (mode & rightsOfOthers) === 0) return null;
  return `is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, "0")})`;
}
