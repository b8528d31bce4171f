import { describe, expect, it } from "vitest";
import { scopes } from "../../../src/api/scopes.ts";
import { readKeysCommand, UsageError, type KeysCommand } from "../../../src/operator/keys/keyArguments.ts";

const words = (text: string) => text.split(" ").filter((word) => word !== "");

it.each<[string, KeysCommand]>([
  ["--help", { kind: "help" }],
  ["create --help", { kind: "help" }],
  ["list", { kind: "list" }],
  [
    "create --name shop --scopes payments:write",
    { kind: "create", name: "shop", scopes: ["payments:write"], merchant: "default" },
  ],
  [
    // In the order of the list, each once.
    "create --scopes=refunds:write,payments:write,refunds:write --merchant acme --name shop.eu-1",
    { kind: "create", name: "shop.eu-1", scopes: ["payments:write", "refunds:write"], merchant: "acme" },
  ],
  ["revoke --id 0123456789", { kind: "revoke", choice: { kind: "id", id: "0123456789" } }],
  ["revoke --name shop", { kind: "revoke", choice: { kind: "name", name: "shop" } }],
])("%s is understood", (text, command) => {
  expect(readKeysCommand(words(text))).toEqual(command);
});

describe("a mistake is named", () => {
  it.each<[string, string]>([
    ["", "A command is missing: create, list or revoke."],
    ["delete --id 0123456789", '"delete" is no command. The commands are create, list and revoke.'],
    ["create --scopes payments:write", "--name is missing: who will use the key, for example --name shop."],
    ["create --name shop --name other --scopes payments:write", "--name is given twice."],
    ["create --name shop --scopes payments:write --scopes refunds:write", "--scopes is given twice."],
    [
      "create --name shop --scopes payments:write, refunds:write",
      '"refunds:write" is one word too many. Write scopes with commas and without spaces.',
    ],
    ["create --name -x --scopes payments:write", "argument is ambiguous"],
    ["create --name ../x --scopes payments:write", `--name can't be "../x". Expected 1 to 64 letters`],
    [`create --name ${"x".repeat(65)} --scopes payments:write`, "Expected 1 to 64 letters"],
    ...[".acme", "Acme", "acme.eu", "acme/eu", "-acme", "_acme", "", "x".repeat(65)].map(
      (merchant): [string, string] => [
        `create --name shop --merchant=${merchant} --scopes payments:write`,
        `--merchant can't be "${merchant}". Expected the id of a merchant: 1 to 64 lower-case letters`,
      ],
    ),
    ["create --name shop --scopes payments:write --id 0123456789", "create takes no --id."],
    ["create --name shop --scopes payments:write --scope refunds:write", "Unknown option '--scope'"],
    ["list --name shop", "list takes no --name."],
    ["revoke", "revoke needs --id of a key, or --name for all keys of a name."],
    ["revoke --id 0123456789 --name shop", "revoke takes --id or --name, not both."],
    ["revoke --id 0123456789 --id 1123456789", "--id is given twice."],
    ["revoke --id", "argument missing"],
    ["revoke --id shop", "--id is no key's id. npm run keys -- list shows the ids."],
    ["revoke --name shop --scopes payments:write", "revoke takes no --scopes."],
  ])("%s", (text, message) => {
    expect(() => readKeysCommand(words(text))).toThrow(UsageError);
    expect(() => readKeysCommand(words(text))).toThrow(message);
  });

  it.each([
    ["payments:pay", '"payments:pay"'],
    ["payments:write,refunds:read,x", '"refunds:read", "x"'],
    ["", '""'],
    ["payments:write,", '""'],
    ["*", '"*"'],
    ["Payments:Write", '"Payments:Write"'],
  ])("a scope that is none, %j, with the list of those there are", (asked, named) => {
    expect(() => readKeysCommand(["create", "--name", "shop", `--scopes=${asked}`])).toThrow(
      `--scopes has no scope ${named}. The scopes are: ${scopes.join(", ")}.`,
    );
  });

  it("a missing --scopes, with the list as well", () => {
    expect(() => readKeysCommand(["create", "--name", "shop"])).toThrow(
      `--scopes is missing, for example --scopes payments:write. The scopes are: ${scopes.join(", ")}.`,
    );
  });
});
