/** The file of merchants, which is read again when it changes, or a secret does that it names. */
import { dirname, resolve } from "node:path";
import { ConfigError } from "../../config/config.ts";
import { FileProblem, openness, readOwnFile, type OwnFile } from "../../config/ownFile.ts";
import type { Environment } from "../../config/settings.ts";
import { watch, type Watched } from "../../config/watched.ts";
import type { Surroundings } from "./entries.ts";
import { secretReader } from "./secrets.ts";

export type MerchantsFileOptions = {
  readonly path: string;
  readonly environment: Environment;
  /** Told once per change, of a file that can't be used, or that others may write. A line never holds a secret. */
  readonly onWarning: (line: string) => void;
} & Omit<Surroundings, "secrets">;

/** Secrets are often many small files. */
const lookEveryMs = 1000;

const rightsToWrite = 0o022;

/** @throws ConfigError listing every problem, when the file can't be used at the start */
export function watchMerchants<Entry>(
  { path, environment, onWarning, ...rules }: MerchantsFileOptions,
  read: (
    text: string,
    surroundings: Surroundings,
  ) => { readonly merchants: readonly Entry[]; readonly problems: readonly string[] },
): Watched<readonly Entry[]> {
  const file = resolve(path);
  let toldOpenness: string | null = null;

  function warnOfOpenness({ mode }: OwnFile): void {
    const open = openness(mode, rightsToWrite);
    if (open !== null && open !== toldOpenness) {
      onWarning(`MERCHANTS_FILE ${file} ${open}: whoever writes it can change the limits. Run: chmod go-w ${file}`);
    }
    toldOpenness = open;
  }

  return watch(
    () => {
      const found = fileAt(file);
      warnOfOpenness(found);
      const secrets = secretReader(dirname(file), environment);
      const { merchants, problems } = read(found.text, { ...rules, secrets });
      return {
        mark: JSON.stringify([found.text, secrets.seen()]),
        read() {
          if (problems.length > 0)
            throw new ConfigError(problems.map((problem) => `MERCHANTS_FILE ${file}: ${problem}`));
          return merchants;
        },
      };
    },
    {
      everyMs: lookEveryMs,
      onProblem(error) {
        if (!(error instanceof ConfigError)) throw error;
        onWarning(`${error.problems.join(" ")} The merchants that were read before stay as they were.`);
      },
    },
  );
}

/** @throws ConfigError when there is no such file, or it can't be read */
function fileAt(file: string): OwnFile {
  try {
    return readOwnFile(file);
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    throw new ConfigError([`MERCHANTS_FILE ${file} ${error.message}.`]);
  }
}
