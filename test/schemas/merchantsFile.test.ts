import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { merchantsFileSchema } from "../../src/merchants/file/schema.ts";
import { merchantsFileSchemaText, merchantsSchemaFile } from "./merchantsFile.ts";

const committed = readFileSync(merchantsSchemaFile, "utf8");
const merchant = { id: "books", stripeSecretKey: "env:BOOKS_KEY", webhookSecrets: ["file:books.secret"] };
const notify = { notifyUrl: "https://books.example/events", notifySecret: "env:NOTIFY" };

it("the committed schema of the file of merchants is that of the code, else run: npm run schemas", () => {
  expect(committed === merchantsFileSchemaText(), `${merchantsSchemaFile.pathname} must be written anew`).toBe(true);
});

it.each<[string, boolean, object]>([
  ["least", true, merchant],
  [
    "all",
    true,
    { ...merchant, ...notify, mode: "live", limits: { usd: 1 }, stripeClientId: "ca_1", requestsPerSecond: "off" },
  ],
  ["a pace", true, { ...merchant, requestsPerSecond: 7 }],
  ["a key in it", false, { ...merchant, stripeSecretKey: "sk_test_1" }],
  ["the environment's merchant", false, { ...merchant, id: "default" }],
  ["no secret of webhooks", false, { ...merchant, webhookSecrets: [] }],
  ["an unknown field", false, { ...merchant, webhookSecret: "env:A" }],
  ["an unknown currency", false, { ...merchant, limits: { usdd: 1 } }],
  ["no currency", false, { ...merchant, limits: {} }],
  ["a pace of none", false, { ...merchant, requestsPerSecond: 0 }],
  ["another mode", false, { ...merchant, mode: "prod" }],
])("an editor and the service think alike of %s", (_what, isGood, entry) => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(committed) as object);
  const file = { $schema: "./merchants.schema.json", merchants: [entry] };
  expect([validate(file), merchantsFileSchema.safeParse(file).success]).toEqual([isGood, isGood]);
});

it.each([{ notifyUrl: notify.notifyUrl }, { notifySecret: "env:A" }, { ...notify, notifyService: "orders/onEvent" }])(
  "an editor sees that %j is no receiver",
  (receiver) => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(committed) as object);
    expect(validate({ merchants: [{ ...merchant, ...receiver }] })).toBe(false);
  },
);
