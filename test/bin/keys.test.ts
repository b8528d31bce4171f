import { execFile } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { scopes } from "../../src/api/scopes.ts";
import { keyFileText } from "../../src/edge/apiKeyFile.ts";
import { openApiKeys } from "../../src/edge/apiKeys.ts";
import { temporaryDirectory, until } from "../dev/conditions.ts";
import { testKey, writeKeyFile } from "../edge/keys.ts";

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs `npm run keys -- <words>`; without a file API_KEYS_FILE is unset. */
function keys(
  file: string | undefined,
  words: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { API_KEYS_FILE: _file, ...inherited } = process.env;
  const env = { ...inherited, ...environment, ...(file === undefined ? {} : { API_KEYS_FILE: file }) };
  return new Promise((ended) => {
    execFile(process.execPath, ["src/bin/keys.ts", ...words.split(" ")], { env }, (error, stdout, stderr) =>
      ended({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
  });
}

function inUse(file: string) {
  const opened = openApiKeys(file, () => {});
  onTestFinished(() => opened.close());
  return opened;
}

const newFile = () => join(temporaryDirectory(), "new", "keys.json");
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const createShop = "create --name shop --scopes payments:write,refunds:write";
const textOf = ({ stdout }: Ended) => stdout.trim();

describe("create", () => {
  it("shows a key once, alone on the standard output, and keeps its hash in a file that is private", async () => {
    const file = newFile();
    const made = await keys(file, `${createShop} --merchant acme`);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^rsp_\w+\n$/) });
    expect(made.stderr).toContain("name shop, merchant acme, scopes payments:write,refunds:write.");
    const [, id = "", secret = ""] = textOf(made).split("_");
    expect(readFileSync(file, "utf8")).toContain(id);
    expect(`${readFileSync(file, "utf8")}${made.stderr}`).not.toContain(secret);
    expect(inUse(file).find(textOf(made))).toEqual({
      id,
      name: "shop",
      merchant: "acme",
      scopes: new Set(["payments:write", "refunds:write"]),
    });
    expect(modeOf(file)).toBe("600");
    // The lock's file stays and is empty; no draft does.
    expect(readdirSync(dirname(file))).toEqual(["keys.json", "keys.json.lock.sqlite"]);
    expect(modeOf(`${file}.lock.sqlite`)).toBe("600");
  });

  it("makes several keys of a name, for a rotation, of one merchant", async () => {
    const file = newFile();
    const first = await keys(file, createShop);
    const second = await keys(file, createShop);
    const other = await keys(file, `${createShop} --merchant acme`);
    expect(other).toMatchObject({ code: 1, stdout: "" });
    expect(other.stderr).toMatch(
      /^The keys named shop belong to the merchant default, .*Give --merchant default, or another --name\.\n$/,
    );
    const found = [first, second].map((made) => inUse(file).find(textOf(made))?.name);
    expect(found).toEqual(["shop", "shop"]);
    expect(JSON.parse(readFileSync(file, "utf8")).keys).toHaveLength(2);
  });

  it.each([
    ["acme", '{ "merchants": [{ "id": "acme" }] }', null],
    ["default", '{ "merchants": [] }', null],
    ["acme", '{ "merchants": [{ "id": "zeta", "stripeSecretKey": "env:ZETA" }] }', "has no merchant acme"],
    ["acme", '{ "merchants": {} }', "can't be read"],
    ["acme", "{ Canary", "can't be read"],
    ["acme", null, "can't be read"],
  ])("of the merchant %s with MERCHANTS_FILE %s makes the key, and says: %s", async (merchant, text, warning) => {
    const file = newFile();
    const merchantsFile = join(temporaryDirectory(), "merchants.json");
    if (text !== null) writeFileSync(merchantsFile, text);
    const made = await keys(file, `${createShop} --merchant ${merchant}`, { MERCHANTS_FILE: merchantsFile });
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^rsp_\w+\n$/) });
    expect(inUse(file).find(textOf(made))).toMatchObject({ merchant });
    const said = made.stderr.split("\n").filter((line) => line.includes("MERCHANTS_FILE"));
    const begin = `MERCHANTS_FILE ${merchantsFile} ${warning}`;
    expect(said.map((line) => line.startsWith(begin))).toEqual(warning === null ? [] : [true]);
    expect(made.stderr).not.toContain("Canary");
  });

  it("loses none of eight that are made at once, while an edge reads the file", async () => {
    const file = newFile();
    mkdirSync(dirname(file));
    writeKeyFile(file, []);
    const warnings: string[] = [];
    const reader = openApiKeys(file, (line) => warnings.push(line));
    onTestFinished(() => reader.close());
    const made = await Promise.all(Array.from({ length: 8 }, () => keys(file, createShop)));
    expect(made.map(({ code, stderr }) => (code === 0 ? "" : stderr))).toEqual(Array.from({ length: 8 }, () => ""));
    await until(() => made.every((each) => reader.find(textOf(each)) !== null));
    expect(warnings).toEqual([]);
  });

  it("leaves a file that can't be used as it is, and does not quote it", async () => {
    const file = join(temporaryDirectory(), "keys.json");
    writeFileSync(file, '{ "keys": [ Canary', { mode: 0o600 });
    const made = await keys(file, createShop);
    expect(made).toEqual({ code: 1, stdout: "", stderr: `API_KEYS_FILE ${file} is not JSON.\n` });
    expect(readFileSync(file, "utf8")).toBe('{ "keys": [ Canary');
  });

  it("writes through a link, and leaves the rights that the owner gave", async () => {
    const folder = temporaryDirectory();
    const link = join(folder, "keys.json");
    writeKeyFile(join(folder, "real.json"), []);
    chmodSync(join(folder, "real.json"), 0o640);
    symlinkSync("real.json", link);
    const made = await keys(link, createShop);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(inUse(join(folder, "real.json")).find(textOf(made))).not.toBeNull();
    expect(modeOf(link)).toBe("640");
    expect(made.stderr).toContain("is open to other users (mode 0640)");
  });

  it.runIf(process.getuid?.() === 0)("leaves the file to its owner, who may be the edge's user", async () => {
    const file = join(temporaryDirectory(), "keys.json");
    writeKeyFile(file, []);
    chownSync(file, 1234, 4321);
    expect(await keys(file, createShop)).toMatchObject({ code: 0 });
    expect(statSync(file)).toMatchObject({ uid: 1234, gid: 4321 });
    expect(modeOf(file)).toBe("600");
  });

  it("goes on after a draft that a killed process left", async () => {
    const file = join(temporaryDirectory(), "keys.json");
    writeFileSync(`${file}.new`, "half");
    const made = await keys(file, createShop);
    expect(inUse(file).find(textOf(made))).not.toBeNull();
    expect(readdirSync(dirname(file))).not.toContain("keys.json.new");
  });
});

describe("list", () => {
  it("shows all of a key but its hash", async () => {
    const file = join(temporaryDirectory(), "keys.json");
    const shop = testKey({ merchant: "acme" });
    const reports = testKey({ name: "reports", scopes: ["payments:read", "orders:read"] });
    writeKeyFile(file, [shop.stored, reports.stored]);
    const listed = await keys(file, "list");
    expect(listed).toEqual({
      code: 0,
      stderr: "",
      stdout: [
        "ID          NAME     MERCHANT  CREATED                   SCOPES",
        `${shop.stored.id}  shop     acme      2026-11-29T12:00:00.000Z  payments:write`,
        `${reports.stored.id}  reports  default   2026-11-29T12:00:00.000Z  payments:read,orders:read`,
        "",
      ].join("\n"),
    });
  });

  it("says where there are none, and makes no file", async () => {
    const file = newFile();
    expect(await keys(file, "list")).toMatchObject({ code: 0, stdout: expect.stringContaining("has no keys") });
    expect(readdirSync(dirname(dirname(file)))).toEqual([]);
  });
});

describe("revoke", () => {
  it("takes one key by its id, and all keys of a name; an edge that runs knows within a second", async () => {
    const file = join(temporaryDirectory(), "keys.json");
    const [one, two, three] = [testKey(), testKey(), testKey()];
    const other = testKey({ name: "reports" });
    writeKeyFile(file, [one.stored, two.stored, three.stored, other.stored]);
    const reader = inUse(file);
    const known = () => [one, two, three, other].map(({ text }) => reader.find(text) !== null);
    expect(known()).toEqual([true, true, true, true]);

    const first = await keys(file, `revoke --id ${two.stored.id}`);
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`The key ${two.stored.id} (shop) is revoked.`),
    });
    const begin = performance.now();
    await until(() => !known()[1]);
    expect(performance.now() - begin).toBeLessThan(1000);
    expect(known()).toEqual([true, false, true, true]);

    expect(await keys(file, "revoke --name shop")).toMatchObject({ code: 0 });
    await until(() => !known()[0]);
    expect(known()).toEqual([false, false, false, true]);
    expect(readFileSync(file, "utf8")).toBe(keyFileText([other.stored]));
  });

  it.each([
    ["--id 0123456789", "No key has the id 0123456789. npm run keys -- list shows the keys.\n"],
    ["--name shops", "No key has the name shops. npm run keys -- list shows the keys.\n"],
  ])("says that there is no such key: %s", async (words, message) => {
    const file = join(temporaryDirectory(), "keys.json");
    writeKeyFile(file, [testKey().stored]);
    const before = readFileSync(file, "utf8");
    expect(await keys(file, `revoke ${words}`)).toEqual({ code: 1, stdout: "", stderr: message });
    expect(readFileSync(file, "utf8")).toBe(before);
  });
});

describe("what can't be done is said", () => {
  it("without API_KEYS_FILE", async () => {
    for (const file of [undefined, "", " "]) {
      const ended = await keys(file, createShop);
      expect(ended).toMatchObject({ code: 2, stdout: "" });
      expect(ended.stderr).toMatch(/API_KEYS_FILE is missing\. Expected the path .*for example keys\.json/);
    }
  });

  it("with a wrong scope, and with the usage", async () => {
    const ended = await keys(newFile(), "create --name shop --scopes payments:pay");
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain(`The scopes are: ${scopes.join(", ")}.`);
    expect(ended.stderr).toContain("Usage:");
  });

  it("with a key in place of its id, which is not repeated", async () => {
    const { text } = testKey();
    for (const words of [`revoke --id ${text}`, `revoke ${text} x`, text]) {
      const ended = await keys(newFile(), words);
      expect(ended).toMatchObject({ code: 2, stdout: "" });
      expect(ended.stderr).not.toContain(text.split("_")[2]);
    }
  });

  it("in a folder that is none", async () => {
    const folder = temporaryDirectory();
    writeFileSync(join(folder, "file"), "");
    const ended = await keys(join(folder, "file", "keys.json"), createShop);
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^API_KEYS_FILE .*keys\.json can't be (read|written) \((ENOTDIR|EEXIST)\)\.\n$/);
  });

  it("but another setting that is wrong is in nobody's way", async () => {
    expect(await keys(newFile(), "list", { PORT: "x" })).toMatchObject({ code: 0 });
  });
});
