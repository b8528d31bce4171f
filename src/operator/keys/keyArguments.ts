/** The words after `npm run keys --`. */
import { parseArgs } from "node:util";
import { isScope, scopes, type Scope } from "../../api/scopes.ts";
import { shortNameForm, shortNameRule } from "../../edge/apiKeyFile.ts";
import { keyIdForm } from "../../edge/apiKeyForm.ts";
import { defaultMerchant, merchantIdPattern } from "../../merchants/rules.ts";

export const usage = `Usage:
  npm run keys -- create --name shop --scopes payments:write,refunds:write [--merchant ID]
  npm run keys -- list
  npm run keys -- revoke --id ID     (or --name NAME: all keys of the name)
--merchant is an id of MERCHANTS_FILE: the key acts for this merchant alone. Without it, for that of STRIPE_SECRET_KEY.
Scopes: ${scopes.join(", ")}
API_KEYS_FILE says where the keys' hashes are, for example API_KEYS_FILE=keys.json.`;

export type NewKey = { readonly name: string; readonly scopes: readonly Scope[]; readonly merchant: string };

export type KeyChoice = { readonly kind: "id"; readonly id: string } | { readonly kind: "name"; readonly name: string };

export type KeysCommand =
  | { readonly kind: "help" }
  | { readonly kind: "list" }
  | ({ readonly kind: "create" } & NewKey)
  | { readonly kind: "revoke"; readonly choice: KeyChoice };

/** Words that are no command. The message says what is wrong with them. */
export class UsageError extends Error {}

/** The options, each as often as it came: of two ids to revoke, none may be lost. */
type Options = Readonly<Partial<Record<"name" | "scopes" | "merchant" | "id", readonly string[]>>>;

/** @throws UsageError */
export function readKeysCommand(words: readonly string[]): KeysCommand {
  const { values, positionals } = parsed(words);
  const { help, ...options } = values;
  if (help === true) return { kind: "help" };
  const [command, ...others] = positionals;
  if (others.length > 0) {
    throw new UsageError(`"${others.join(" ")}" is one word too many. Write scopes with commas and without spaces.`);
  }
  switch (command) {
    case "create":
      return { kind: "create", ...newKeyOf(options) };
    case "list":
      onlyTakes("list", options, []);
      return { kind: "list" };
    case "revoke":
      return { kind: "revoke", choice: choiceOf(options) };
    case undefined:
      throw new UsageError("A command is missing: create, list or revoke.");
    default:
      throw new UsageError(`"${command}" is no command. The commands are create, list and revoke.`);
  }
}

function parsed(words: readonly string[]) {
  const repeated = { type: "string", multiple: true } as const;
  const options = {
    name: repeated,
    scopes: repeated,
    merchant: repeated,
    id: repeated,
    help: { type: "boolean" },
  } as const;
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function newKeyOf(options: Options): NewKey {
  onlyTakes("create", options, ["name", "scopes", "merchant"]);
  const name = valueOf(options, "name");
  if (name === undefined) throw new UsageError("--name is missing: who will use the key, for example --name shop.");
  const merchant = valueOf(options, "merchant") ?? defaultMerchant;
  return { name: keyName(name), scopes: scopesOf(options), merchant: merchantId(merchant) };
}

function choiceOf(options: Options): KeyChoice {
  onlyTakes("revoke", options, ["id", "name"]);
  const id = valueOf(options, "id");
  const name = valueOf(options, "name");
  if (id !== undefined && name !== undefined) throw new UsageError("revoke takes --id or --name, not both.");
  if (name !== undefined) return { kind: "name", name: keyName(name) };
  if (id === undefined) throw new UsageError("revoke needs --id of a key, or --name for all keys of a name.");
  // A whole key is not repeated: it would stand on the screen.
  if (!keyIdForm.test(id)) throw new UsageError("--id is no key's id. npm run keys -- list shows the ids.");
  return { kind: "id", id };
}

function scopesOf(options: Options): readonly Scope[] {
  const known = `The scopes are: ${scopes.join(", ")}.`;
  const text = valueOf(options, "scopes");
  if (text === undefined) throw new UsageError(`--scopes is missing, for example --scopes payments:write. ${known}`);
  const asked = text.split(",").map((scope) => scope.trim());
  const unknown = asked.filter((scope) => !isScope(scope));
  if (unknown.length > 0) throw new UsageError(`--scopes has no scope "${unknown.join('", "')}". ${known}`);
  return scopes.filter((scope) => asked.includes(scope));
}

function valueOf(options: Options, name: keyof Options): string | undefined {
  const values = options[name] ?? [];
  if (values.length > 1) throw new UsageError(`--${name} is given twice.`);
  return values[0];
}

function keyName(text: string): string {
  if (shortNameForm.test(text)) return text;
  throw new UsageError(`--name can't be "${text}". Expected ${shortNameRule}.`);
}

function merchantId(text: string): string {
  if (merchantIdPattern.test(text)) return text;
  throw new UsageError(
    `--merchant can't be "${text}". Expected the id of a merchant: 1 to 64 lower-case letters, digits, hyphens and underscores, a letter or digit first.`,
  );
}

function onlyTakes(command: string, options: Options, taken: readonly (keyof Options)[]): void {
  const foreign = Object.keys(options).filter((name) => !(taken as readonly string[]).includes(name));
  if (foreign.length > 0) throw new UsageError(`${command} takes no --${foreign.join(", --")}.`);
}
