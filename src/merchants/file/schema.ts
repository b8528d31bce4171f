/**
 * The file of further merchants (`MERCHANTS_FILE`), as a person writes it. It names where secrets are, and holds none. A message about it
 * names a field, and quotes no value.
 */
import { z } from "zod";
import { clientIdForm, expectation } from "../../config/settings.ts";
import { currencies, maximumAmountMinor } from "../../money/money.ts";
import { receiverUrlOf, serviceOf } from "../../notifications/settings.ts";
import { defaultMerchant, merchantIdPattern } from "../rules.ts";

const secret = (what: string) =>
  z
    .string({ error: textProblem })
    .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\0\r\n]+)$/, {
      error:
        "must say where the secret is, as env:NAME (a variable of the environment) or file:PATH (relative to this file). A secret itself does not belong into this file.",
    })
    .meta({ description: `${what}: env:NAME or file:PATH (relative to this file).`, examples: ["env:NAME"] });

const paceProblem = { error: `can't be used. ${expectation.requestsPerSecond}` };

const limits = z
  .partialRecord(
    z.enum(currencies),
    z
      .int({ error: "is no whole number of minor units" })
      .min(1, { error: "must be at least 1" })
      .max(maximumAmountMinor, { error: `must be at most ${maximumAmountMinor}` }),
    { error: limitsProblem },
  )
  .refine((largest) => Object.keys(largest).length > 0, {
    error: "has no currency, so that nothing could be charged. Leave it out where there are no limits",
    when: ({ issues }) => issues.length === 0,
  })
  .meta({
    description:
      "The largest amount of a charge in each currency, in minor units. A currency that is missing is refused.",
    minProperties: 1,
    examples: [{ usd: 500_000, eur: 500_000 }],
  });

const written = z
  .strictObject(
    {
      id: z
        .string({ error: textProblem })
        .regex(merchantIdPattern, {
          error: "must be 1 to 64 lower-case letters, digits, hyphens and underscores, a letter or digit first",
        })
        .refine((id) => id !== defaultMerchant, {
          error: "must not be default: that is the merchant of the environment",
        })
        .meta({
          description: "Names the merchant in requests, API keys, addresses and logs. It must never change.",
          not: { const: defaultMerchant },
        }),
      stripeSecretKey: secret("The Stripe key, sk_… or a restricted rk_…"),
      mode: z.enum(["test", "live"], { error: "must be test or live" }).optional().meta({
        description: "The mode of the Stripe key. Needed where the edge can't read the key.",
      }),
      webhookSecrets: z
        .array(secret("One whsec_…, or several, comma-separated"), { error: listProblem })
        .min(1, { error: "must have a secret" })
        .meta({ description: "The signing secrets of the merchant's webhook endpoint at Stripe." }),
      stripeClientId: z
        .string({ error: textProblem })
        .regex(clientIdForm, { error: `can't be used. ${expectation.clientId}` })
        .optional()
        .meta({ description: "The client id of the merchant's Connect platform (ca_…), for OAuth." }),
      limits: limits.optional(),
      notifyUrl: z
        .string({ error: textProblem })
        .refine((text) => receiverUrlOf(text) !== undefined, {
          error: `can't be used. ${expectation.notifyUrl}`,
        })
        .optional()
        .meta({
          description: "The address that is told the outcomes of payments. It needs notifySecret.",
          format: "uri",
        }),
      notifySecret: secret(
        "The Standard Webhooks secret that signs notifications, whsec_…, or several, comma-separated",
      ).optional(),
      notifyService: z
        .string({ error: textProblem })
        .refine((text) => serviceOf(text) !== undefined, { error: `can't be used. ${expectation.notifyService}` })
        .optional()
        .meta({
          description: "Instead of notifyUrl: a handler of a Restate service of yours, such as orders/onPaymentEvent.",
        }),
      requestsPerSecond: z
        .union([z.int(paceProblem).min(1, paceProblem).max(10_000, paceProblem), z.literal("off")], paceProblem)
        .optional()
        .meta({
          description: "How many requests each process sends to Stripe for this merchant. By default 80 live, 20 test.",
        }),
    },
    { error: objectProblem },
  )
  .meta({
    description: "A merchant with a Stripe key of its own.",
    dependentRequired: { notifyUrl: ["notifySecret"], notifySecret: ["notifyUrl"] },
    not: { required: ["notifyUrl", "notifyService"] },
  });

export type WrittenMerchant = z.output<typeof written>;

export const merchantsFileSchema = z.strictObject(
  {
    $schema: z
      .string({ error: textProblem })
      .optional()
      .meta({ description: "The JSON Schema of this file, for editors." }),
    merchants: z.array(written, { error: listProblem }).meta({
      description: "The merchants beside default, the one of the environment's settings.",
    }),
  },
  { error: objectProblem },
);

type Issue = { readonly code?: string | undefined; readonly input?: unknown; readonly keys?: unknown };

function textProblem({ input }: Issue): string {
  return input === undefined ? "is missing" : "is no text";
}

function listProblem({ input }: Issue): string {
  return input === undefined ? "is missing" : "is no list";
}

function objectProblem({ code, keys }: Issue): string {
  if (code !== "unrecognized_keys") return "is no object";
  const names = Array.isArray(keys) ? keys.map((key) => shownName(String(key))) : [];
  return `has a field that is not known: ${names.join(", ")}`;
}

function limitsProblem({ code, keys, input }: Issue): string {
  if (code !== "unrecognized_keys" && code !== "invalid_key") {
    return 'is not the largest amount of each currency, such as { "usd": 500000 }';
  }
  const names = (Array.isArray(keys) ? keys : [input]).map((key) => shownName(String(key)));
  return `has what is no currency of Stripe's: ${names.join(", ")}. Expected three lower-case letters, such as usd`;
}

/** A field's name, as far as it can't be a secret that was put into the wrong place. */
export function shownName(name: string): string {
  return /^\$?[A-Za-z]{1,32}$/.test(name) ? name : "…";
}
