/**
 * Calls that came through the edge: what they make first they make in one step, and Stripe's answer may be given while that step's
 * record is on its way. The outcome is that of the same call without an edge, so most of these are scenarios that exist already,
 * played so that the calls bring the edge's header; and then with processes that find it good at one attempt and not at the next.
 */
import { expect } from "vitest";
import { bankDebit, card } from "../../scene/scene.ts";
import { otherEdgeSecret } from "../origin.ts";
import { paidOnce, usual, type Scenario } from "../scenario.ts";
import type { Profile } from "../theatre.ts";
import { lifecycle } from "./lifecycle.ts";
import { payments } from "./payments.ts";
import { references } from "./references.ts";
import { customers, setupScenarios } from "./setups.ts";

/** Nobody is told of payments: then a final answer waits for no record. */
const untold: Profile = { name: "untold", notifications: { receiver: null } };
/** Every other attempt is made with another EDGE_SECRET, and finds the header bad. */
const rotated: Profile = { ...untold, name: "rotated", otherSettings: { edgeSecrets: [otherEdgeSecret] } };
/** The same, and the first attempt is one of those. */
const rotatedBack: Profile = { ...rotated, name: "rotated back", settings: { edgeSecrets: [otherEdgeSecret] } };
/** Every other attempt is made by a process that doesn't know its installation yet. */
const forgetting: Profile = { ...untold, name: "forgetting", settings: { forgetsInstallation: true } };

const create = /^\/v1\/payment_intents$/;

/** Of payments whose merchant isn't told of them. */
const untoldPayments: readonly Scenario[] = [
  {
    name: "a card is charged at once, and nobody is told",
    async play(stage) {
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
        expect(await stage.ledger()).toEqual(paidOnce());
      };
    },
  },
  {
    name: "a card is declined at once, and nobody is told",
    async play(stage) {
      const answer = await stage.call("processPayment", card(stage.order, "pm_card_visa_chargeDeclined"));
      return async () => {
        expect(answer).toMatchObject({ status: 402, body: { metadata: { reason: "declined" } } });
        expect(await stage.ledger()).toMatchObject([{ status: "requires_payment_method", received: 0, charged: 0 }]);
      };
    },
  },
  {
    name: "a bank debit succeeds later, and nobody is told",
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order));
      const { id } = await stage.payment();
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
      };
    },
  },
  {
    name: "a customer is sent away and pays, and nobody is told",
    async play(stage) {
      const request = { ...card(stage.order, "pm_card_threeDSecure2Required"), returnUrl: "https://shop.example/back" };
      const answer = await stage.call("processPayment", request);
      const id = answer.body.paymentIntentId ?? "";
      await stage.hung(1, () => stage.payment());
      await stage.authorize(id, "succeeded");
      await stage.deliver("payment_intent.succeeded", id);
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "requires_action" } });
        expect(await stage.ledger()).toEqual(paidOnce());
      };
    },
  },
  {
    name: "Stripe is out of order before it charges a card",
    async play(stage) {
      stage.faultOn("POST", create, "error_500");
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
        expect(await stage.ledger()).toEqual(paidOnce());
      };
    },
  },
  {
    name: "Stripe charges a card, and its answer doesn't arrive",
    async play(stage) {
      stage.faultOn("POST", create, "cut_after");
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
        expect(await stage.ledger()).toEqual(paidOnce());
      };
    },
  },
  {
    name: "the answer to the charge is lost, and nobody is told",
    async play(stage) {
      stage.faultOn("POST", create, "error_500_saved_after");
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "poll" } });
        expect(await stage.ledger()).toEqual(paidOnce());
      };
    },
  },
];

const lostAndTakenBack = "the call is cancelled while the answer to the charge is lost, and the charge is taken back";

const told: readonly string[] = [
  "a card is charged at once",
  "a card is declined at once",
  "a card needs its owner, who is away",
  "Stripe refuses a parameter",
  "a bank debit succeeds later, and a webhook says so",
  "the answer to the charge is lost, and looked up",
  "the charge failed at Stripe, which nobody can know",
  lostAndTakenBack,
  "a payment is cancelled at its deadline",
  "the customer isn't sent away for a call that was cancelled meanwhile",
  "a payment of ours is authorized, captured and given back",
  "a reference is charged once, and asked for again",
];

const others: readonly string[] = [
  "a card is saved at once",
  "a bank account is saved later",
  "the answer to a set-up is lost, and looked up",
  "the call is cancelled while the answer to a set-up is lost, and the set-up is cancelled",
  "a customer is made and read",
  "the answer to a new customer is lost, and looked up",
];

const changing: readonly string[] = [...untoldPayments.map(({ name }) => name), lostAndTakenBack, ...others];

const known = [...payments, ...lifecycle, ...references, ...setupScenarios, ...customers, ...untoldPayments];

function accept(names: readonly string[], profile: Profile, edge: Scenario["edge"] = "time"): readonly Scenario[] {
  return names.map((name) => {
    const scenario = known.find((one) => one.name === name);
    if (scenario === undefined) throw new TypeError(`There is no scenario "${name}".`);
    const how = edge === "time" ? "accepted by the edge" : "accepted by an edge without a clock";
    return { ...scenario, name: `${name} (${how}; ${profile.name})`, profile, edge };
  });
}

export const accepted: readonly Scenario[] = [
  ...accept(told, usual),
  ...accept([...untoldPayments.map(({ name }) => name), ...others], untold),
  ...accept(changing, rotated),
  ...accept(changing, rotatedBack),
  ...accept(changing, forgetting),
  ...accept(untoldPayments.map(({ name }) => name).slice(0, 3), untold, "no time"),
];
