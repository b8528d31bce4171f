import type { Stripe } from "stripe";
import { failure, refusal } from "../../http/apiError.ts";
import type { Parameters } from "../../http/parameters.ts";

/**
 * The division of work between Stripe, the platform and the account: a `type` is a name for one division, and `controller`
 * says it in its parts. https://docs.stripe.com/connect/migrate-to-controller-properties
 */
export type Responsibilities = { readonly type: Stripe.Account.Type; readonly controller: Stripe.Account.Controller };

const STANDARD = division("account", "stripe", "stripe", "full");

const BY_TYPE: Readonly<Record<string, Stripe.Account.Controller>> = {
  standard: STANDARD,
  express: division("application_express", "application", "stripe", "express"),
  custom: division("application_custom", "application", "application", "none"),
};

/** An account that came by OAuth controls itself, and tells the platform nothing of its terms with Stripe. */
export const SELF_CONTROLLED: Responsibilities = { type: "standard", controller: { type: "account" } };

export function readResponsibilities(parameters: Parameters): Responsibilities {
  const said = parameters.hash("controller");
  const type = parameters.string("type");
  if (said !== undefined && type !== undefined) {
    const message = "You may only specify one of these parameters: type, controller.";
    throw refusal(message, { code: "parameters_exclusive", param: "type" });
  }
  if (said === undefined) return { type: type ?? "standard", controller: BY_TYPE[type ?? "standard"] ?? STANDARD };
  const controller = division(
    said.hash("fees")?.string("payer") ?? "account",
    said.hash("losses")?.string("payments") ?? "stripe",
    said.string("requirement_collection") ?? "stripe",
    said.hash("stripe_dashboard")?.string("type") ?? "full",
  );
  checkDivision(controller);
  return { type: isDeep(controller, STANDARD) ? "standard" : "none", controller };
}

/** https://docs.stripe.com/connect/supported-configurations */
function checkDivision({ losses, requirement_collection, stripe_dashboard }: Stripe.Account.Controller): void {
  if (requirement_collection !== "application") return;
  if (losses?.payments === "application" && stripe_dashboard?.type === "none") return;
  const message =
    "When `controller[requirement_collection]` is `application`, `controller[losses][payments]` must be `application` and `controller[stripe_dashboard][type]` must be `none`.";
  throw refusal(message, { param: "controller[requirement_collection]" });
}

/** Stripe lets a platform reject only accounts whose losses it bears. */
export function checkRejectable({ controller }: Stripe.Account): void {
  if (controller?.losses?.payments === "application") return;
  throw failure(
    "You can only reject accounts where your platform is liable for negative account balances, which includes Custom and Express accounts.",
  );
}

function division(payer: string, payments: string, collection: string, dashboard: string): Stripe.Account.Controller {
  return {
    fees: { payer },
    is_controller: true,
    losses: { payments },
    requirement_collection: collection,
    stripe_dashboard: { type: dashboard },
    type: "application",
  };
}

function isDeep(one: Stripe.Account.Controller, other: Stripe.Account.Controller): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
