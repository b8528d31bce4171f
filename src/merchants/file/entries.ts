/**
 * Reads the file of merchants: the text, the secrets that it names, and what must be right between them. Every problem is listed, each with
 * its place in the file, and none with a value.
 */
import type { Limits } from "../rules.ts";
import { stripeModeOf, type StripeMode } from "../../config/config.ts";
import { expectation, isPlainElsewhere, secretKeyOf, webhookSecretsOf } from "../../config/settings.ts";
import { receiverUrlOf, secretsOf, serviceOf, type NotificationReceiver } from "../../notifications/settings.ts";
import { merchantsFileSchema, shownName, type WrittenMerchant } from "./schema.ts";
import type { SecretReader } from "./secrets.ts";

/** What the edge needs of a merchant: whose webhooks it takes. */
export type MerchantWebhooks = {
  readonly id: string;
  readonly mode: StripeMode;
  readonly webhookSecrets: readonly string[];
};

/** A merchant as the file and its secrets say. */
export type MerchantEntry = MerchantWebhooks & {
  readonly secretKey: string;
  readonly clientId: string | null;
  readonly limits: Limits | null;
  readonly receiver: NotificationReceiver | null;
  /** Null is off, undefined the default. */
  readonly requestsPerSecond: number | null | undefined;
};

export type Surroundings = {
  readonly secrets: SecretReader;
  /** Of the default merchant. */
  readonly ownWebhookSecrets: readonly string[];
  /** Why no merchant may have a live key; null where they may. */
  readonly whyNoLiveKeys: string | null;
};

/** What could be read, and all that is wrong: the merchants count only where nothing is. */
type Reading<Entry> = { readonly merchants: readonly Entry[]; readonly problems: readonly string[] };

/** For the service: every secret must be there. */
export function readEntries(text: string, surroundings: Surroundings): Reading<MerchantEntry> {
  return readEach(text, surroundings, (merchant, file) => {
    const secretKey = file.secret(merchant.stripeSecretKey, "stripeSecretKey", secretKeyOf, expectation.secretKey);
    const webhookSecrets = file.webhookSecrets(merchant);
    const mode = file.mode(merchant, secretKey);
    const receiver = receiverOf(merchant, mode, file);
    if (secretKey === undefined || webhookSecrets === undefined || mode === undefined) return null;
    const { id, limits = null, requestsPerSecond, stripeClientId: clientId = null } = merchant;
    return {
      id,
      mode,
      secretKey,
      webhookSecrets,
      clientId,
      limits: limits as Limits | null,
      receiver,
      requestsPerSecond: requestsPerSecond === "off" ? null : requestsPerSecond,
    };
  });
}

/** For the edge, whose environment may lack the Stripe keys. */
export function readWebhooks(text: string, surroundings: Surroundings): Reading<MerchantWebhooks> {
  return readEach(text, surroundings, (merchant, file) => {
    const key = surroundings.secrets.read(merchant.stripeSecretKey);
    const mode = file.mode(merchant, key.isFound ? secretKeyOf(key.text) : undefined);
    const webhookSecrets = file.webhookSecrets(merchant);
    if (mode === undefined) {
      file.problem(
        "mode",
        `is missing, and the Stripe key that would tell it can't be read here. ${expectation.stripeMode}`,
      );
    }
    return mode === undefined || webhookSecrets === undefined ? null : { id: merchant.id, mode, webhookSecrets };
  });
}

/** For a sandbox in Stripe's place. It gives every merchant a key and webhook secrets, so those of the file need not be there. */
export function readForSandbox(text: string, surroundings: Surroundings): Reading<WrittenMerchant> {
  const { merchants, problems } = readWritten(text);
  const found: string[] = [...problems];
  for (const [index, merchant] of merchants.entries()) {
    receiverOf(merchant, "test", inspection(index, surroundings, found));
  }
  const ids = merchants.map(({ id }) => id);
  return { merchants, problems: [...found, ...doubles(ids, [], [])] };
}

/** Finds what is wrong with one merchant of the file. */
type Inspection = ReturnType<typeof inspection>;

function readEach<Entry extends MerchantWebhooks>(
  text: string,
  surroundings: Surroundings,
  read: (merchant: WrittenMerchant, file: Inspection) => Entry | null,
): Reading<Entry> {
  const { merchants, problems } = readWritten(text);
  const found: string[] = [...problems];
  const entries = merchants.map((merchant, index) => {
    const entry = read(merchant, inspection(index, surroundings, found));
    if (entry?.mode === "live" && surroundings.whyNoLiveKeys !== null) {
      found.push(`/merchants/${index} is a live one. ${surroundings.whyNoLiveKeys}`);
    }
    return entry;
  });
  found.push(
    ...doubles(
      merchants.map(({ id }) => id),
      entries,
      surroundings.ownWebhookSecrets,
    ),
  );
  return { merchants: entries.filter((entry) => entry !== null), problems: found };
}

function readWritten(text: string): Reading<WrittenMerchant> {
  const json = jsonOf(text);
  if (json === undefined) return { merchants: [], problems: ["is not JSON"] };
  const result = merchantsFileSchema.safeParse(json);
  if (result.success) return { merchants: result.data.merchants, problems: [] };
  const problems = result.error.issues.map(({ path, message }) => {
    const place = path.map((part) => (typeof part === "number" ? part : shownName(String(part))));
    return `${place.length === 0 ? "the file" : `/${place.join("/")}`} ${message}`;
  });
  return { merchants: [], problems };
}

/** A parser's own message would quote the file. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function inspection(index: number, { secrets }: Surroundings, problems: string[]) {
  const problem = (field: string, what: string): void => void problems.push(`/merchants/${index}/${field} ${what}`);

  /** A secret that is there and has its form, or undefined with a problem. */
  function secret<Value>(
    reference: string,
    field: string,
    valueOf: (text: string) => Value | undefined,
    expected: string,
  ): Value | undefined {
    const found = secrets.read(reference);
    if (!found.isFound) {
      problem(field, `${found.problem}. ${expected}`);
      return undefined;
    }
    const value = valueOf(found.text);
    if (value === undefined) problem(field, `leads to a value that can't be used (not shown here). ${expected}`);
    return value;
  }

  return {
    problem,
    secret,
    webhookSecrets(merchant: WrittenMerchant): readonly string[] | undefined {
      const all = merchant.webhookSecrets.map((reference, at) =>
        secret(reference, `webhookSecrets/${at}`, webhookSecretsOf, expectation.webhookSecrets),
      );
      const found = all.filter((some) => some !== undefined);
      return found.length === all.length ? found.flat() : undefined;
    },
    /** Keys carry their mode; undefined where neither the key nor the file tells it. */
    mode(merchant: WrittenMerchant, secretKey: string | undefined): StripeMode | undefined {
      const ofKey = secretKey === undefined ? undefined : stripeModeOf(secretKey);
      if (merchant.mode !== undefined && ofKey !== undefined && merchant.mode !== ofKey) {
        problem("mode", "is not the mode of the Stripe key. Expected one mode, not two.");
      }
      return merchant.mode ?? ofKey;
    },
  };
}

function receiverOf(
  { notifyUrl, notifySecret, notifyService }: WrittenMerchant,
  mode: StripeMode | undefined,
  file: Inspection,
): NotificationReceiver | null {
  const url = notifyUrl === undefined ? undefined : receiverUrlOf(notifyUrl);
  const target = notifyService === undefined ? undefined : serviceOf(notifyService);
  if (url !== undefined && target !== undefined)
    file.problem("notifyService", "is there beside notifyUrl. Expected one receiver.");
  if (url !== undefined && notifySecret === undefined) {
    file.problem("notifySecret", `is missing, and notifyUrl needs it. ${expectation.notifySecret}`);
  }
  if (url === undefined && notifySecret !== undefined) {
    file.problem("notifySecret", "is there without notifyUrl: a Restate service needs no signature.");
  }
  if (url !== undefined && mode === "live" && isPlainElsewhere(url)) {
    file.problem("notifyUrl", `is plain http to another machine, with a live Stripe key. ${expectation.notifyUrl}`);
  }
  const secrets =
    notifySecret === undefined
      ? undefined
      : file.secret(notifySecret, "notifySecret", secretsOf, expectation.notifySecret);
  if (target !== undefined) return { kind: "service", ...target };
  return url === undefined || secrets === undefined ? null : { kind: "http", url: url.href, secrets };
}

/** The secret that an event is signed with says whose it is. */
function doubles(
  ids: readonly string[],
  entries: readonly (MerchantWebhooks | null)[],
  ownWebhookSecrets: readonly string[],
): readonly string[] {
  const problems: string[] = [];
  const known = new Set<string>();
  const owners = new Map(ownWebhookSecrets.map((secret) => [secret, "the environment's STRIPE_WEBHOOK_SECRET"]));
  for (const [index, id] of ids.entries()) {
    if (known.has(id)) problems.push(`/merchants/${index}/id is there twice`);
    known.add(id);
    for (const secret of entries[index]?.webhookSecrets ?? []) {
      const owner = owners.get(secret) ?? `/merchants/${index}`;
      owners.set(secret, owner);
      if (owner === `/merchants/${index}`) continue;
      problems.push(
        `/merchants/${index}/webhookSecrets has a secret of ${owner}, too. Expected secrets of its own: they tell whose event it is.`,
      );
    }
  }
  return problems;
}
