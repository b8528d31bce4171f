import type { Stripe } from "stripe";
import type { Store } from "../../world/store.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";
import { standingOf } from "./standing.ts";

/** What an account may do, each with the requirements that stand in its way. https://docs.stripe.com/api/capabilities */
export function namesOfCapabilities({ capabilities }: Stripe.Account): readonly string[] {
  return Object.keys(capabilities ?? {});
}

/** @param requestedAt the second of a request that isn't written yet */
export function capabilityOf(
  store: Store,
  account: Stripe.Account,
  name: string,
  requestedAt: number | null = null,
): Stripe.Capability {
  const status = (account.capabilities as Readonly<Record<string, string>> | undefined)?.[name];
  const sql = "SELECT requested_at FROM capability_requests WHERE account = ? AND capability = ?";
  const written = store.row(sql, account.id, name)?.["requested_at"];
  const isRequested = status !== undefined;
  const known = requestedAt ?? (typeof written === "number" ? written : null);
  return {
    id: name,
    object: "capability",
    account: account.id,
    future_requirements: NOTHING_DUE,
    requested: isRequested,
    requested_at: isRequested ? known : null,
    requirements: isRequested ? requirementsOf(account) : NOTHING_DUE,
    status: status ?? "unrequested",
  };
}

/** Remembers when capabilities were requested, and forgets those that no longer are. */
export function rememberRequests(
  { unit, store }: { readonly unit: UnitOfWork; readonly store: Store },
  account: string,
  requested: readonly string[],
  dropped: readonly string[],
): void {
  unit.alongside(() => {
    for (const name of dropped) {
      store.run("DELETE FROM capability_requests WHERE account = ? AND capability = ?", account, name);
    }
    for (const name of requested) {
      const sql = "INSERT OR REPLACE INTO capability_requests (account, capability, requested_at) VALUES (?, ?, ?)";
      store.run(sql, account, name, unit.nowSeconds);
    }
  });
}

function requirementsOf(account: Stripe.Account): Stripe.Capability.Requirements {
  const { due, pending, disabledReason, deadline, errors } = standingOf(account);
  return {
    alternatives: [],
    current_deadline: deadline,
    currently_due: [...due],
    disabled_reason: reasonOf(disabledReason),
    errors: [...errors],
    eventually_due: [...due],
    past_due: disabledReason === "requirements.past_due" ? [...due] : [],
    pending_verification: [...pending],
  };
}

/** A capability says in words of its own why it isn't active. */
function reasonOf(disabledReason: string | null): string | null {
  if (disabledReason === null) return null;
  if (disabledReason.startsWith("rejected.")) return "rejected.other";
  return disabledReason === "requirements.pending_verification" ? "pending.review" : "requirements.fields_needed";
}

const NOTHING_DUE: Stripe.Capability.Requirements = {
  alternatives: [],
  current_deadline: null,
  currently_due: [],
  disabled_reason: null,
  errors: [],
  eventually_due: [],
  past_due: [],
  pending_verification: [],
};
