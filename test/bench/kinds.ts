/** What is compared: the same load on each, in turn. The letters are those of the README. */
import type { Call } from "./load.ts";

export type Kind = {
  readonly id: "a" | "b" | "b0" | "b2" | "c" | "cp" | "ce" | "d" | "de" | "e" | "ee" | "f1" | "f2" | "f3";
  readonly title: string;
  readonly call: Call;
  /** Whose webhooks the sandbox delivers meanwhile, one for each payment. */
  readonly webhooks: "none" | "ours" | "edge" | "sample";
  /** Where it is called: at the engine's ingress unless named. `plainEdge`: one that tells the handlers nothing. */
  readonly door?: "edge" | "plainEdge";
};

const card = { paymentMethodId: "pm_card_visa", amount: 109 };
const atOnce = JSON.stringify(card);
/** Both sides take Stripe's first answer as "processing", and wait for the webhook. */
const byWebhook = JSON.stringify({ ...card, delayedStatus: true });

export const kinds: readonly Kind[] = [
  {
    id: "a",
    title: "bare handler, one `ctx.run`, no Stripe",
    call: { path: "/benchFloor/run", body: atOnce },
    webhooks: "none",
  },
  {
    id: "b",
    title: "the honest limit: our journal entries and bytes, no `stripe` package",
    call: { path: "/benchLimit/processPayment", body: atOnce },
    webhooks: "none",
  },
  {
    id: "b0",
    title: "as (b), without fixing the request in the journal first",
    call: { path: "/benchLimit/withoutFixing", body: atOnce },
    webhooks: "none",
  },
  {
    id: "b2",
    title: "the honest limit of (e): our journal entries and bytes, no `stripe` package",
    call: { path: "/benchLimit/settledByWebhook", body: byWebhook },
    // A doorbell is rung for whoever hung it, so `processWebhook` is part of this one, too.
    webhooks: "ours",
  },
  {
    id: "c",
    title: "`processPayment`, settled at once",
    call: { path: "/payments/processPayment", body: atOnce },
    webhooks: "none",
  },
  {
    id: "cp",
    title: "(c) through an edge that tells the handler nothing",
    call: { path: "/payments/processPayment", body: atOnce },
    webhooks: "none",
    door: "plainEdge",
  },
  {
    id: "ce",
    title: "(c) through the edge",
    call: { path: "/payments/processPayment", body: atOnce },
    webhooks: "none",
    door: "edge",
  },
  {
    id: "f1",
    title: "the sample, settled at once",
    call: { path: "/benchSample/processPayment", body: atOnce },
    webhooks: "none",
  },
  {
    id: "d",
    title: "`processPayment`, settled at once, with its webhook",
    call: { path: "/payments/processPayment", body: atOnce },
    webhooks: "ours",
  },
  {
    id: "de",
    title: "(d) through the edge, webhooks too",
    call: { path: "/payments/processPayment", body: atOnce },
    webhooks: "edge",
    door: "edge",
  },
  {
    id: "f2",
    title: "the sample, settled at once, with its webhook",
    call: { path: "/benchSample/processPayment", body: atOnce },
    webhooks: "sample",
  },
  {
    id: "e",
    title: "`processPayment`, settled by webhook, with its re-read",
    call: { path: "/payments/processPayment", body: byWebhook },
    webhooks: "ours",
  },
  {
    id: "ee",
    title: "(e) through the edge, webhooks too",
    call: { path: "/payments/processPayment", body: byWebhook },
    webhooks: "edge",
    door: "edge",
  },
  {
    id: "f3",
    title: "the sample, settled by webhook",
    call: { path: "/benchSample/processPayment", body: byWebhook },
    webhooks: "sample",
  },
];

export type KindId = Kind["id"];

export function kindOf(id: KindId): Kind {
  const kind = kinds.find((one) => one.id === id);
  if (kind === undefined) throw new TypeError(`There is no kind ${id}.`);
  return kind;
}
