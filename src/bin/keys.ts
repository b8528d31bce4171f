/**
 * `npm run keys`: makes, lists and revokes the API keys of callers. A key is shown once, alone on the standard output; the file keeps
 * its hash. Exit codes: 0 done, 1 not done, 2 the settings or arguments can't be used.
 */
import { resolve } from "node:path";
import { ConfigError, readEnvironment } from "../config/config.ts";
import { expectation, parseSettings } from "../config/settings.ts";
import { LockedError } from "../dev/lock.ts";
import { KeyFileError, opennessWarning, readKeyFile } from "../edge/apiKeyFile.ts";
import { makeApiKey } from "../edge/apiKeyForm.ts";
import { changeKeyFile, storedKeys } from "../operator/keys/changeKeyFile.ts";
import { readKeysCommand, usage, UsageError, type KeyChoice, type NewKey } from "../operator/keys/keyArguments.ts";
import { KeyListError, keyTable, withNewKey, withoutKeys } from "../operator/keys/keyList.ts";
import { unknownMerchantWarning } from "../operator/keys/unknownMerchant.ts";
import { withoutSecrets } from "../telemetry/secrets.ts";

async function run(): Promise<void> {
  const command = readKeysCommand(process.argv.slice(2));
  switch (command.kind) {
    case "help":
      console.log(usage);
      return;
    case "list":
      list(keyFilePath());
      return;
    case "create":
      await create(keyFilePath(), command);
      return;
    case "revoke":
      await revoke(keyFilePath(), command.choice);
  }
}

/** The only setting that is needed: another one that is wrong is in nobody's way here. */
function keyFilePath(): string {
  const { API_KEYS_FILE: path } = readEnvironment();
  const { settings, problems } = parseSettings({ API_KEYS_FILE: path });
  if (problems.length > 0) throw new ConfigError(problems);
  if (settings.API_KEYS_FILE !== undefined) return resolve(settings.API_KEYS_FILE);
  throw new ConfigError([`API_KEYS_FILE is missing. ${expectation.apiKeysFile}`]);
}

function list(path: string): void {
  const keys = storedKeys(path);
  console.log(keys.length === 0 ? `${path} has no keys. npm run keys -- create makes one.` : keyTable(keys));
  warnOfOpenness(path);
}

async function create(path: string, asked: NewKey): Promise<void> {
  const made = makeApiKey();
  await changeKeyFile(path, (keys) => withNewKey(keys, asked, made, new Date()));
  const { name, merchant, scopes } = asked;
  console.error(`The key ${made.id} is made: name ${name}, merchant ${merchant}, scopes ${scopes.join(",")}.`);
  console.error("Here it is, once. Nobody can show it again:");
  console.log(made.text);
  warnOfOpenness(path);
  const warning = unknownMerchantWarning(merchant, merchantsFilePath());
  if (warning !== null) console.error(warning);
}

/** Only looked at: one that is wrong is no reason to make no key. */
function merchantsFilePath(): string | null {
  const path = readEnvironment()["MERCHANTS_FILE"]?.trim() ?? "";
  return path === "" ? null : resolve(path);
}

async function revoke(path: string, choice: KeyChoice): Promise<void> {
  let revoked: readonly { readonly id: string; readonly name: string }[] = [];
  await changeKeyFile(path, (keys) => {
    const changed = withoutKeys(keys, choice);
    revoked = changed.revoked;
    return changed.kept;
  });
  for (const { id, name } of revoked) console.log(`The key ${id} (${name}) is revoked.`);
  console.log("An edge that runs refuses it within a second.");
  warnOfOpenness(path);
}

function warnOfOpenness(path: string): void {
  try {
    const warning = opennessWarning(path, readKeyFile(path).mode);
    if (warning !== null) console.error(warning);
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
  }
}

try {
  await run();
} catch (error) {
  const isOfUse = error instanceof UsageError || error instanceof ConfigError;
  const isOfFile = error instanceof KeyListError || error instanceof KeyFileError || error instanceof LockedError;
  if (!isOfUse && !isOfFile) throw error;
  // Words that were typed are repeated, and one of them may be a key.
  console.error(withoutSecrets(error.message));
  if (error instanceof UsageError) console.error(`\n${usage}`);
  process.exitCode = isOfUse ? 2 : 1;
}
