/**
 * The data folder is its owner's alone: it holds webhook secrets, customers' data, and every payment that waits. Folders are 0700, files
 * 0600. A folder of an earlier version is tightened when it is opened; a program that we start gets the umask that keeps it so.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";

export const privateFolderMode = 0o700;
export const privateFileMode = 0o600;
/** What takes all rights from everybody but the owner. */
export const privateUmask = 0o077;

/** A data folder that can't be used. The message names the variable and says what is wrong with the folder. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`DATA_DIR can't be used: ${path} ${problem}. ${expected}`, options);
  }
}

const expected =
  "Expected a folder that this user may read and write, with space on its disk, for example DATA_DIR=.data2.";

/**
 * Makes the folder where it is missing, takes the rights of others to it, and finds out whether it can be written.
 * @throws DataFolderError
 */
export function openDataFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: privateFolderMode });
    takeRights(path);
    const probe = join(path, `probe.${process.pid}`);
    try {
      writeFileSync(probe, Buffer.alloc(probeBytes), { mode: privateFileMode });
    } finally {
      rmSync(probe, { force: true });
    }
  } catch (error) {
    if (error instanceof Error && "code" in error)
      throw new DataFolderError(path, problemOf(String(error.code)), { cause: error });
    throw error;
  }
}

/** Less is none: the engine writes in pieces of a few hundred KB. */
const probeBytes = 1024 * 1024;

/** What an error of the system or of SQLite says about the data folder; undefined for an error about anything else. */
export function dataFolderError(error: unknown, dataDir: string): DataFolderError | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return undefined;
  const { code, message } = error;
  if (code === "ERR_SQLITE_ERROR") {
    return new DataFolderError(dataDir, `holds a database that can't be opened (${message})`, { cause: error });
  }
  const path = "path" in error && typeof error.path === "string" ? error.path : undefined;
  const isOfDisk = path === undefined && ["ENOSPC", "EDQUOT"].includes(code);
  if (!isOfDisk && path !== dataDir && path?.startsWith(`${dataDir}${sep}`) !== true) return undefined;
  return new DataFolderError(path ?? dataDir, problemOf(code), { cause: error });
}

function problemOf(code: string): string {
  return problems[code] ?? `can't be read or written (${code})`;
}

const problems: Readonly<Record<string, string>> = {
  EACCES: "is not allowed to this user",
  EPERM: "is not allowed to this user",
  EEXIST: "is a file and no folder",
  ENOTDIR: "is below a file, or a file itself",
  EISDIR: "is a folder where a file has to be",
  EROFS: "is on a disk that can only be read",
  ENOSPC: "is on a disk that is full",
  EDQUOT: "is on a disk of which this user has no more space",
  ENAMETOOLONG: "is too long a name",
  ELOOP: "is a link that leads nowhere",
  ENOENT: "is a link that leads nowhere",
};

/**
 * Takes everybody else's rights to what an earlier version made, and to the folder itself. A folder that holds other things as well, such as
 * the working directory, stays as it is: what is ours in it is private by itself.
 */
function takeRights(dataDir: string): void {
  const names = readdirSync(dataDir);
  if (names.every((name) => ownNames.test(name))) restrict(dataDir);
  for (const name of names.filter((each) => ownNames.test(each))) restrict(join(dataDir, name));
}

/** What `npm start`, `npm run demo` and `npm run sandbox` make in a data folder. */
const ownNames =
  /^(sandbox|sandbox-alone|demo-\w+|(test|live)-[\w-]+|targets\.json(\.\w+)?|(sandbox-alone\.)?lock(\..+)?|probe\.\d+)$/;

/** A folder with all that is in it, or a file. Links are not followed, and a running engine may take files away meanwhile. */
function restrict(path: string): void {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined || (process.getuid !== undefined && status.uid !== process.getuid())) return;
  try {
    if (status.isFile()) chmodSync(path, privateFileMode);
    if (!status.isDirectory() || (status.mode & sticky) !== 0) return;
    chmodSync(path, privateFolderMode);
    for (const name of readdirSync(path)) restrict(join(path, name));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

/** A folder that everybody shares has it, such as /tmp. */
const sticky = 0o1000;
