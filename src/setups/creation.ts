/** How a SetupIntent is made once. */
import type { Call } from "../durable/call.ts";
import { throughPages, type CreatedKind } from "../durable/createOnce.ts";
import type { Creation } from "../stripe/creation.ts";
import { creatorCallbackKey } from "../stripe/metadata.ts";
import { closeSetup } from "./closeSetup.ts";
import { readOwnSetup } from "./object.ts";
import type { SetupSnapshot } from "./rules.ts";
import type { SetupParameters } from "./stripe/requests.ts";

export const setupCreation: CreatedKind<SetupParameters, SetupSnapshot> = {
  noun: "SetupIntent",
  step: "create SetupIntent",
  isLookedAfter: true,
  send: (stripe, request) => stripe.createSetup(request),
  read: readOwnSetup,
  detailsOf: (setupIntentId) => ({ setupIntentId }),

  find: (call, creation, { customer }) => setupsMadeBy(call, creation, customer),

  /** The first stays. The others are cancelled, so that no payment method is saved behind the customer's back. */
  async undoAllButOne(call, [keptId = "", ...others]) {
    const fates: string[] = [];
    for (const id of others) {
      const setup = await readOwnSetup(call, id);
      const closing = await closeSetup(call, { setup, callbackKey: creatorCallbackKey, failure: null });
      fates.push(`${id} is ${closing.setup.stripeStatus}`);
    }
    return { keptId, message: `${keptId} is left as it is; ${fates.join(", ")}.` };
  },
};

/**
 * The SetupIntents that a call made, oldest first: by the customer's list, which shows at once what exists; where Stripe no longer
 * knows the customer, by the account's.
 */
export async function setupsMadeBy(call: Call, creation: Creation, customerId: string): Promise<readonly string[]> {
  return (await listed(call, creation, customerId)) ?? (await listed(call, creation, null)) ?? [];
}

async function listed(call: Call, creation: Creation, customerId: string | null) {
  return await throughPages((after) =>
    call.ask("list SetupIntents", (stripe) => stripe.listSetups(customerId, creation, after)),
  );
}
