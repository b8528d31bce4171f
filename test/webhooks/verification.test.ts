import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { verifyWebhook } from "../../src/webhooks/verification.ts";
import { webhookEventTypes } from "../../src/webhooks/eventTable.ts";

/** The types that ring, as Stripe names them. */
const ringing = [
  "payment_intent.succeeded",
  "payment_intent.payment_failed",
  "payment_intent.canceled",
  "payment_intent.requires_action",
  "payment_intent.amount_capturable_updated",
  "refund.updated",
  "refund.failed",
  "setup_intent.succeeded",
  "setup_intent.setup_failed",
  "setup_intent.requires_action",
  "setup_intent.canceled",
  "charge.dispute.updated",
  "charge.dispute.closed",
  "account.updated",
];

/** The types that make us look at a payment, and at what beside it. */
const telling: Readonly<Record<string, readonly string[]>> = {
  "payment_intent.succeeded": [],
  "payment_intent.payment_failed": [],
  "payment_intent.canceled": [],
  "payment_intent.amount_capturable_updated": [],
  "refund.created": ["refunds"],
  "refund.updated": ["refunds"],
  "refund.failed": ["refunds"],
  "charge.refund.updated": ["refunds"],
  "charge.dispute.created": ["disputes"],
  "charge.dispute.updated": ["disputes"],
  "charge.dispute.closed": ["disputes"],
  "charge.dispute.funds_withdrawn": ["disputes"],
  "charge.dispute.funds_reinstated": ["disputes"],
  "radar.early_fraud_warning.created": ["warnings"],
  "radar.early_fraud_warning.updated": ["warnings"],
};

const secret = "whsec_current";
const address = "sign_1JFCI3Y2GAcJppmQrxx8bC4mVK72EPEA1AAAAEQ";

const event = (type: string, object: unknown = { id: "pi_1", metadata: { restate_callback_id: address } }) =>
  JSON.stringify({ id: "evt_1", object: "event", type, data: { object } });

const succeeded = event("payment_intent.succeeded");

function signed(payload: string, more: { secret?: string; timestamp?: number } = {}): string {
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, ...more });
}

const verify = (payload: string, header: string | undefined, secrets: readonly string[] = [secret]) =>
  verifyWebhook(new TextEncoder().encode(payload), header, [{ id: "default", webhookSecrets: secrets }]);

/** An object that is exactly this; `toMatchObject` takes `{}` for any. */
const none = expect.toSatisfy((metadata: object) => Object.keys(metadata).length === 0) as object;

describe("verifyWebhook", () => {
  it("takes a genuine event and tells whose doorbells it rings", () => {
    expect(verify(succeeded, signed(succeeded))).toMatchObject({
      kind: "genuine",
      eventType: "payment_intent.succeeded",
      metadata: { restate_callback_id: address },
      telltale: { paymentIntentId: "pi_1", changes: [] },
    });
  });

  const yearMs = 365 * 24 * 3600 * 1000;
  it.each([
    ["signed a year ago", signed(succeeded, { timestamp: Math.floor((Date.now() - yearMs) / 1000) })],
    ["signed an hour ahead", signed(succeeded, { timestamp: Math.floor(Date.now() / 1000) + 3600 })],
    ["with a second, foreign signature", `${signed(succeeded)},v1=${"0".repeat(64)}`],
    ["with a signature of another scheme beside it", `${signed(succeeded)},v0=${"0".repeat(64)}`],
  ])("takes an event %s", (_what, header) => {
    expect(verify(succeeded, header).kind).toBe("genuine");
  });

  it.each([
    ["the old secret", ["whsec_old", "whsec_new"], "whsec_old"],
    ["the new secret", ["whsec_old", "whsec_new"], "whsec_new"],
  ])("takes an event signed with %s while one is being rolled", (_what, secrets, used) => {
    expect(verify(succeeded, signed(succeeded, { secret: used }), secrets).kind).toBe("genuine");
  });

  it.each([
    ["needs_response", false],
    ["under_review", false],
    ["warning_under_review", false],
    ["won", true],
    ["lost", true],
    ["warning_closed", true],
    ["prevented", true],
    ["teleported", false],
  ])("rings for an update of a dispute only if it is closed: %s", (status, rings) => {
    const metadata = { restate_callback_id_12345678: address };
    for (const type of ["charge.dispute.updated", "charge.dispute.closed"]) {
      const payload = event(type, { id: "du_1", object: "dispute", status, metadata });
      const rung = rings || type === "charge.dispute.closed";
      expect(verify(payload, signed(payload))).toMatchObject({
        kind: "genuine",
        eventType: type,
        metadata: rung ? metadata : {},
        telltale: null,
      });
    }
  });

  const header = signed(succeeded);
  it.each([
    ["no header", succeeded, undefined, "missing"],
    ["an empty header", succeeded, "", "missing"],
    ["a header of another form", succeeded, "Bearer abc", "malformed"],
    ["no timestamp", succeeded, header.replace(/t=\d+,/, ""), "malformed"],
    ["no v1 signature", succeeded, header.replace("v1=", "v0="), "malformed"],
    ["a timestamp that was not signed", succeeded, header.replace(/t=\d+/, "t=1"), "matches none"],
    ["another secret", succeeded, signed(succeeded, { secret: "whsec_other" }), "matches none"],
    ["a changed body", succeeded.replace("pi_1", "pi_2"), header, "matches none"],
    ["a body with a space more", `${succeeded} `, header, "matches none"],
    ["an empty body", "", header, "matches none"],
    ["a cut signature", succeeded, header.slice(0, -1), "matches none"],
    ["an empty signature", succeeded, header.replace(/v1=.*/, "v1="), "malformed"],
    ["an empty signature before a genuine one", succeeded, header.replace("v1=", "v1=,v1="), "matches none"],
    [
      "a signature in capitals",
      succeeded,
      header.replace(/v1=(.*)/, (_all, hex: string) => `v1=${hex.toUpperCase()}`),
      "matches none",
    ],
    ["a signed body that is no JSON", "hello", signed("hello"), "not a Stripe event"],
    ["a signed body that is no event", "[]", signed("[]"), "not a Stripe event"],
  ])("refuses %s", (_what, payload, signature, reason) => {
    expect(verify(payload, signature)).toMatchObject({ kind: "refused", message: expect.stringContaining(reason) });
  });

  // A decoder would drop a byte order mark, and turn any damage into the same sign that stands in the signed text.
  const damaged = event("payment_intent.succeeded", { id: "pi_1", description: "\ufffd", metadata: {} });
  const damagedBytes = Buffer.from(damaged);
  it.each([
    ["with a byte order mark before it", succeeded, Buffer.from(`\ufeff${succeeded}`)],
    ["in which a sign became an invalid byte", damaged, replaceSign(damagedBytes, [0xff])],
    ["in which a sign became half of another", damaged, replaceSign(damagedBytes, [0xe2, 0x82])],
  ])("refuses a body %s: the bytes are signed, not what they are read as", (_what, payload, bytes) => {
    expect(verifyWebhook(bytes, signed(payload), [{ id: "default", webhookSecrets: [secret] }]).kind).toBe("refused");
  });

  it("takes a signed body of any characters", () => {
    const payload = event("payment_intent.succeeded", {
      id: "pi_1",
      description: "Zoë 🧾 \ufffd \ufeff",
      metadata: {},
    });
    expect(verify(payload, signed(payload)).kind).toBe("genuine");
  });

  it("refuses everything when no secret is configured", () => {
    expect(verify(succeeded, header, []).kind).toBe("refused");
  });

  it.each([
    "payment_intent.created",
    "payment_intent.processing",
    "charge.succeeded",
    "a.type.of.tomorrow",
    "toString",
  ])("acknowledges %s, rings nobody and looks at nothing", (type) => {
    const payload = event(type);
    expect(verify(payload, signed(payload))).toMatchObject({
      kind: "genuine",
      eventType: type,
      metadata: {},
      telltale: null,
    });
  });

  it("subscribes to everything that rings or tells, and to nothing else", () => {
    const all = new Set([...ringing, ...Object.keys(telling)]);
    expect(new Set(webhookEventTypes)).toEqual(all);
    expect(webhookEventTypes).toHaveLength(all.size);
  });

  it.each(Object.entries(telling))("tells by %s to look at %j, too", (type, changes) => {
    const object = type.startsWith("payment_intent.") ? { id: "pi_1" } : { id: "xx_1", payment_intent: "pi_1" };
    const payload = event(type, object);
    expect(verify(payload, signed(payload))).toMatchObject({ telltale: { paymentIntentId: "pi_1", changes } });
  });

  it.each<[string, object]>([
    ["charge.dispute.created", { id: "du_1", payment_intent: null }],
    ["charge.dispute.created", { id: "du_1" }],
    ["charge.dispute.created", { id: "pi_1" }],
    ["charge.dispute.created", { id: "du_1", payment_intent: { id: "pi_1" } }],
    ["charge.dispute.created", { id: "du_1", payment_intent: "ch_1" }],
    ["charge.dispute.created", { id: "du_1", payment_intent: "pi_1/../pi_2" }],
    ["charge.dispute.created", { id: "du_1", payment_intent: "pi_1\n" }],
    ["charge.dispute.created", { id: "du_1", payment_intent: `pi_${"1".repeat(300)}` }],
    ["payment_intent.succeeded", { id: 1 }],
    ["payment_intent.succeeded", { id: "pi_" }],
  ])("looks at nothing for %s about %j, which names no PaymentIntent", (type, object) => {
    const payload = event(type, object);
    expect(verify(payload, signed(payload))).toMatchObject({ kind: "genuine", telltale: null });
  });

  it.each(ringing)("rings for %s", (type) => {
    // Of a PaymentIntent, say, or of a dispute that is closed.
    const payload = event(type, { id: "pi_1", status: "won", metadata: { restate_callback_id: address } });
    expect(verify(payload, signed(payload))).toMatchObject({ metadata: { restate_callback_id: address } });
  });

  it.each([
    ["metadata alone, as hanging a doorbell does", { metadata: {} }, {}],
    ["metadata and the status", { metadata: {}, status: "pending" }, { restate_callback_id: address }],
    ["nothing that it names", {}, { restate_callback_id: address }],
    ["something in another form", "status", { restate_callback_id: address }],
  ])("takes an update that changed %s", (_what, previous_attributes, metadata) => {
    const object = { id: "re_1", metadata: { restate_callback_id: address } };
    const payload = JSON.stringify({ type: "refund.updated", data: { object, previous_attributes } });
    expect(verify(payload, signed(payload))).toMatchObject({
      kind: "genuine",
      eventType: "refund.updated",
      metadata,
      telltale: null,
    });
  });

  it.each([
    ["without metadata", { id: "pi_1" }],
    ["with null metadata", { id: "pi_1", metadata: null }],
    ["with metadata of another form", { id: "pi_1", metadata: { nested: { a: 1 } } }],
  ])("acknowledges an event about an object %s", (_what, object) => {
    const payload = event("payment_intent.succeeded", object);
    expect(verify(payload, signed(payload))).toMatchObject({ kind: "genuine", metadata: none });
  });

  it("acknowledges a thin event, which has no snapshot", () => {
    const payload = JSON.stringify({ id: "evt_1", object: "v2.core.event", type: "v1.payment_intent.succeeded" });
    expect(verify(payload, signed(payload))).toMatchObject({ kind: "genuine", metadata: none });
  });
});

/** Puts other bytes in the place of the one U+FFFD of a text. */
function replaceSign(text: Buffer, bytes: readonly number[]): Buffer {
  const at = text.indexOf(Buffer.from("\ufffd"));
  return Buffer.concat([text.subarray(0, at), Buffer.from(bytes), text.subarray(at + 3)]);
}
