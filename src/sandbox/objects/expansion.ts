import { refusal } from "../http/apiError.ts";
import { asOfNow } from "./balance.ts";
import type { ApiCall } from "../http/endpoint.ts";
import { lineItemsOf } from "./checkout/orders.ts";
import { wholeList } from "../http/lists.ts";
import type { StoredKind } from "../world/storedObjects.ts";

/**
 * `expand[]`: ids in the answer become the objects they name. https://docs.stripe.com/api/expanding_objects
 * The table says what each expandable field may hold.
 */
const EXPANDABLE: Readonly<Record<string, readonly StoredKind[]>> = {
  account: ["account"],
  application_fee: ["application_fee"],
  destination: ["account"],
  destination_payment: ["charge"],
  destination_payment_refund: ["refund"],
  fee: ["application_fee"],
  latest_charge: ["charge"],
  on_behalf_of: ["account"],
  originating_transaction: ["charge"],
  balance_transaction: ["balance_transaction"],
  charge: ["charge"],
  payment_intent: ["payment_intent"],
  payment_method: ["payment_method"],
  customer: ["customer"],
  default_price: ["price"],
  failure_balance_transaction: ["balance_transaction"],
  payment_link: ["payment_link"],
  product: ["product"],
  setup_intent: ["setup_intent"],
  source: ["charge", "refund", "dispute", "transfer", "transfer_reversal", "application_fee", "fee_refund"],
  source_refund: ["refund"],
  source_transaction: ["charge"],
  source_transfer: ["transfer"],
  source_transfer_reversal: ["transfer_reversal"],
  transfer: ["transfer"],
  transfer_reversal: ["transfer_reversal"],
};

/** Fields of a platform's objects that name one of a connected account, and the other way round. */
const OF_ANOTHER_ACCOUNT: ReadonlySet<string> = new Set([
  "application_fee",
  "charge",
  "destination_payment",
  "destination_payment_refund",
  "source_transfer",
  "source_transfer_reversal",
]);

/** Fields that an object shows only when there is something to show. */
const ABSENT: ReadonlySet<string> = new Set(["transfer"]);

export function expand(call: ApiCall, answer: unknown): unknown {
  return (call.parameters.list("expand") ?? []).reduce<unknown>((value, path) => {
    const steps = path.split(".");
    if (steps.length > 4) {
      throw refusal("You cannot expand more than 4 levels of a property.", { param: "expand" });
    }
    return expandPath(call, value, steps, path);
  }, answer);
}

function expandPath(call: ApiCall, value: unknown, steps: readonly string[], path: string): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => expandPath(call, item, steps, path));
  if (typeof value !== "object") throw cannotExpand(path);
  if (step === "line_items" && "id" in value) {
    const data = lineItemsOf(call.unit, String(value.id));
    return { ...value, line_items: expandPath(call, wholeList(call, data), rest, path) };
  }
  const current = (value as Record<string, unknown>)[step];
  if (current === null || (current === undefined && ABSENT.has(step))) return value;
  if (typeof current === "string")
    return { ...value, [step]: expandPath(call, load(call, step, current, path), rest, path) };
  if (typeof current !== "object") throw cannotExpand(path);
  return { ...value, [step]: expandPath(call, current, rest, path) };
}

function load(call: ApiCall, field: string, id: string, path: string): unknown {
  const kinds = Object.hasOwn(EXPANDABLE, field) ? EXPANDABLE[field] : undefined;
  if (kinds === undefined) throw cannotExpand(path);
  const owner = OF_ANOTHER_ACCOUNT.has(field) ? call.unit.ownerOf(id) : undefined;
  const unit = call.unit.as(owner ?? call.unit.account);
  const found = kinds.map((kind) => unit.find(kind, id)).find((object) => object !== undefined);
  return found?.object === "balance_transaction" ? asOfNow(call, found) : (found ?? id);
}

function cannotExpand(path: string): Error {
  return refusal(`This property cannot be expanded (${path}).`, { param: "expand" });
}
