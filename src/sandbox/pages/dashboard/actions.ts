import type { Parts } from "../../objects/parts.ts";
import { ControlError } from "../../control/controlError.ts";
import { deauthorize, onboard } from "../../control/connect.ts";
import { authorize, dispute, settle } from "../../control/interventions.ts";
import type { ListedObject } from "../../control/listedObjects.ts";
import { actAsMerchant } from "../../control/actAsMerchant.ts";
import type { StoredKind } from "../../world/storedObjects.ts";
import { button } from "./table.ts";
import type { Html } from "../page.ts";

/**
 * The buttons of an object: the actions that its bank, its customer or its merchant can take now. Banks and customers
 * act through the control API's functions, merchants through those of Stripe's API.
 */
type Action = {
  readonly label: string;
  /** The words of the status line when the action is done, before the id. */
  readonly done: string;
  readonly run: (parts: Parts, object: ListedObject) => Promise<unknown>;
};

const ACTIONS = {
  settle: { label: "Settle", done: "Settled", run: (parts, { id }) => settle(parts, { id, outcome: "succeeded" }) },
  fail: { label: "Fail", done: "Failed", run: (parts, { id }) => settle(parts, { id, outcome: "failed" }) },
  authorize: {
    label: "Authorize",
    done: "Authorized",
    run: (parts, { id }) => authorize(parts, { id, outcome: "succeeded" }),
  },
  refuse: {
    label: "Fail",
    done: "Failed the authorization of",
    run: (parts, { id }) => authorize(parts, { id, outcome: "failed" }),
  },
  dispute: { label: "Dispute", done: "Disputed", run: (parts, { id }) => dispute(parts, { id }) },
  capture: { label: "Capture", done: "Captured", run: merchant("/v1/payment_intents/:id/capture") },
  cancel: { label: "Cancel", done: "Canceled", run: merchant("/v1/payment_intents/:id/cancel") },
  refund: {
    label: "Refund",
    done: "Refunded",
    run: (parts, { id, kind, account }) => actAsMerchant(parts, account, "/v1/refunds", "", { [kind]: id }),
  },
  expire: { label: "Expire", done: "Expired", run: merchant("/v1/checkout/sessions/:id/expire") },
  onboard: {
    label: "Onboard",
    done: "Onboarded",
    run: (parts, { id }) => onboard(parts, { account: id, outcome: "done" }),
  },
  disable: {
    label: "Disable",
    done: "Disabled",
    run: (parts, { id }) => onboard(parts, { account: id, outcome: "disabled" }),
  },
  disconnect: {
    label: "Disconnect",
    done: "Disconnected",
    run: (parts, { id }) => deauthorize(parts, { account: id }),
  },
  win: { label: "Win", done: "Won", run: submit("winning_evidence") },
  lose: { label: "Lose", done: "Lost", run: submit("losing_evidence") },
} as const satisfies Readonly<Record<string, Action>>;

type ActionName = keyof typeof ACTIONS;

/** https://docs.stripe.com/payments/paymentintents/lifecycle, and the same for the other kinds' statuses. */
const ALLOWED: Readonly<Partial<Record<StoredKind, Readonly<Record<string, readonly ActionName[]>>>>> = {
  payment_intent: {
    requires_payment_method: ["cancel"],
    requires_confirmation: ["cancel"],
    requires_action: ["authorize", "refuse", "cancel"],
    requires_capture: ["capture", "cancel"],
    processing: ["settle", "fail"],
    succeeded: ["refund", "dispute"],
  },
  setup_intent: { requires_action: ["authorize", "refuse"] },
  charge: { succeeded: ["refund", "dispute"] },
  refund: { pending: ["settle", "fail"] },
  dispute: { needs_response: ["win", "lose"], warning_needs_response: ["win", "lose"] },
  "checkout.session": { open: ["expire"] },
};

function allowedActions(object: ListedObject): readonly ActionName[] {
  const { id, kind, account, body, charge } = object;
  // An account has no status, and belongs to itself once it has left.
  if (kind === "account") {
    const turn = body["charges_enabled"] === true ? "disable" : "onboard";
    return account === id ? [] : [turn, "disconnect"];
  }
  const allowed = ALLOWED[kind]?.[String(body["status"])] ?? [];
  const { captured, refunded, disputed } = charge ?? body;
  return allowed.filter((name) => {
    if (name === "dispute") return captured === true && disputed !== true;
    if (name === "refund") return captured === true && refunded !== true && disputed !== true;
    // A bank transfer waits for money and not for a person.
    return name !== "authorize" && name !== "refuse" ? true : isAskingCustomer(body);
  });
}

function isAskingCustomer({ next_action }: ListedObject["body"]): boolean {
  const { type } = (next_action ?? {}) as { readonly type?: string };
  return type === "redirect_to_url" || type === "use_stripe_sdk";
}

export function actionButtons(object: ListedObject): Html[] {
  const { id } = object;
  return allowedActions(object).map((name) =>
    button({
      id: `${name}-${id}`,
      path: `objects/${encodeURIComponent(id)}/${name}`,
      label: ACTIONS[name].label,
      acts: id,
    }),
  );
}

/** Takes the action and gives the sentence about it; throws a ControlError that says why the action is refused. */
export async function actOn(parts: Parts, object: ListedObject, name: string): Promise<string> {
  if (!Object.hasOwn(ACTIONS, name)) throw new ControlError(404, `There is no action '${name}'.`);
  const { done, run } = ACTIONS[name as ActionName] as Action;
  await run(parts, object);
  return `${done} ${object.id}.`;
}

function merchant(path: string): Action["run"] {
  return (parts, { id, account }) => actAsMerchant(parts, account, path, id, {});
}

/** The words of the evidence decide the dispute, as at Stripe. https://docs.stripe.com/testing#evidence */
function submit(words: string): Action["run"] {
  return (parts, { id, account }) =>
    actAsMerchant(parts, account, "/v1/disputes/:id", id, { evidence: { uncategorized_text: words } });
}
