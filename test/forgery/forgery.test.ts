/** `npm run forgery` runs these with a million forgeries; the seed makes a run repeatable. */
import { describe, expect, it } from "vitest";
import { verifyWebhook } from "../../src/webhooks/verification.ts";
import { campaign, forge, genuineWebhooks, randomOf, Tally } from "./campaign.ts";
import { equivalents, forgeries } from "./forgeries.ts";
import { isGenuine, type SignedWebhook } from "./signedWebhook.ts";

const secret = "whsec_dGhlIHNlY3JldCBvZiB0aGlzIGVuZHBvaW50";
const oldSecret = "whsec_dGhlIG9uZSB0aGF0IGlzIGJlaW5nIHJvbGxlZA";
const secrets = [oldSecret, secret];
const payment = {
  id: "pi_1",
  object: "payment_intent",
  metadata: { restate_callback_id: "sign_1JFCI3Y2GAcJppmQrxx8bC4mVK72EPEA1AAAAEQ" },
};
/** What the refusal may say; none of it depends on a secret. */
const reasons = /^The (stripe-signature header is (missing|malformed)|signature matches none of the configured)/;

describe("verifyWebhook", () => {
  const { seed, inProcess } = campaign;
  const signatory = { id: "default", webhookSecrets: secrets };

  it(
    `takes none of ${inProcess} forged, mutated, truncated and replayed signatures (seed ${seed})`,
    { timeout: 60_000 + inProcess },
    () => {
      const random = randomOf(seed);
      const genuine = genuineWebhooks(payment, secret, random);
      const tally = new Tally();
      const taken: unknown[] = [];
      for (const forgery of forge({ count: inProcess, random, genuine, secret, secrets, tally })) {
        const verdict = verifyWebhook(forgery.body, forgery.header, [signatory]);
        const isRefused = verdict.kind === "refused" && reasons.test(verdict.message);
        if (!isRefused && taken.length < 5) taken.push({ ...forgery, body: String(forgery.body), verdict });
        tally.count(forgery.kind, isRefused ? "refused" : "accepted");
      }
      tally.print(`${inProcess} forgeries in process, seed ${seed}`);
      expect(taken).toEqual([]);
      expect(tally.total("accepted")).toBe(0);
      expect(tally.total("refused")).toBe(inProcess);
      expect(tally.kinds.toSorted()).toEqual(Object.keys(forgeries).toSorted());
    },
  );

  it.each(Object.entries(equivalents))("takes genuine ones, %s", (_what, make) => {
    const random = randomOf(seed);
    const genuine = genuineWebhooks(payment, secret, random);
    for (const seen of genuine) {
      const webhook = make({ seen, other: genuine[0] as SignedWebhook, secret, random });
      expect(isGenuine(webhook, secrets)).toBe(true);
      expect(verifyWebhook(webhook.body, webhook.header, [signatory]).kind).toBe("genuine");
    }
  });
});
