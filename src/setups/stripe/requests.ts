/** The gateway's requests about SetupIntents. */
import type { Stripe } from "stripe";
import { isKeyStillSafe } from "../../stripe/idempotency.ts";
import { creatorCallbackKey, failureNoteKey, invocationIdKey } from "../../stripe/metadata.ts";
import type { PaymentFailure } from "../../payments/rules/payment.ts";
import type { SetupPaymentMethodRequest } from "../contract.ts";
import type { SetupSnapshot } from "../rules.ts";
import type { Refusal } from "../../stripe/errorMeaning.ts";
import { acceptanceOf } from "../../payments/stripe/parameters.ts";
import {
  ask,
  clockToleranceMs,
  expectObject,
  refusalMessage,
  unexpectedAnswer,
  type FixedRequest,
} from "../../stripe/request.ts";
import { snapshotOfSetup } from "./snapshot.ts";
import { failureNoteOf } from "../../payments/stripe/snapshot.ts";

export type SetupParameters = Stripe.SetupIntentCreateParams & { readonly customer: string };

type CreateSetupResult =
  | { readonly kind: "setup"; readonly setup: SetupSnapshot }
  /** It exists, in a state that the answer doesn't show: read it. */
  | { readonly kind: "exists"; readonly setupIntentId: string }
  /** Declined before a SetupIntent existed. */
  | { readonly kind: "declined"; readonly failure: PaymentFailure }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly setupIntentId: string | null }
  /** Whether it acted is not known, and asking again with the key can no longer tell: look it up. */
  | { readonly kind: "unknown" }
  | { readonly kind: "needs_review"; readonly message: string };

type ReadSetupResult =
  | { readonly kind: "setup"; readonly setup: SetupSnapshot }
  | { readonly kind: "missing"; readonly refusal: Refusal };

/** `refused`: the state, or anything else, does not allow it. The caller re-reads. */
type ChangeSetupResult =
  | { readonly kind: "setup"; readonly setup: SetupSnapshot }
  | { readonly kind: "refused"; readonly message: string };

/**
 * The parameters of one SetupIntent, created and confirmed in one request, for payments in the customer's absence. Without
 * a `returnUrl` nobody is there to be redirected. https://docs.stripe.com/api/setup_intents/create
 */
export function setupParameters(
  request: SetupPaymentMethodRequest,
  origin: { readonly invocationId: string; readonly callbackId: string },
): SetupParameters {
  return {
    customer: request.customerId,
    payment_method: request.paymentMethodId,
    confirm: true,
    usage: "off_session",
    ...(request.returnUrl === undefined
      ? { automatic_payment_methods: { enabled: true, allow_redirects: "never" } }
      : { automatic_payment_methods: { enabled: true }, return_url: request.returnUrl }),
    ...(request.mandate === undefined ? {} : { mandate_data: { customer_acceptance: acceptanceOf(request.mandate) } }),
    metadata: {
      ...request.metadata,
      [creatorCallbackKey]: origin.callbackId,
      [invocationIdKey]: origin.invocationId,
    },
  };
}

export function setupRequests(stripe: Stripe) {
  /** Changes the metadata; the answer is a read as well. https://docs.stripe.com/api/setup_intents/update */
  async function annotate(setupIntentId: string, metadata: Record<string, string>): Promise<ChangeSetupResult> {
    return await ask<ChangeSetupResult>(
      async () => ({ kind: "setup", setup: seen(await stripe.setupIntents.update(setupIntentId, { metadata })) }),
      (meaning) => ({ kind: "refused", message: refusalMessage("update the SetupIntent", meaning) }),
    );
  }

  return {
    /** Creates and confirms a SetupIntent. Sends nothing once Stripe may have forgotten the idempotency key. */
    async createSetup(request: FixedRequest<SetupParameters>): Promise<CreateSetupResult> {
      if (!isKeyStillSafe(request.fixedAtMs, Date.now())) return { kind: "unknown" };
      const { parameters, idempotencyKey } = request;
      return await ask<CreateSetupResult>(
        async () => ({ kind: "setup", setup: seen(await stripe.setupIntents.create(parameters, { idempotencyKey })) }),
        (meaning) => {
          switch (meaning.kind) {
            case "declined":
              return meaning.setupIntent === undefined
                ? { kind: "declined", failure: meaning.failure }
                : { kind: "setup", setup: declinedSnapshot(meaning.setupIntent, meaning.failure) };
            case "missing":
            case "refused":
              return { kind: "refused", refusal: meaning.refusal, setupIntentId: meaning.setupIntentId };
            case "saved_failure":
              return { kind: "unknown" };
            case "unexpected_state":
              return meaning.setupIntentId === null
                ? { kind: "needs_review", message: meaning.message }
                : { kind: "exists", setupIntentId: meaning.setupIntentId };
            case "needs_review":
              return { kind: "needs_review", message: meaning.message };
          }
        },
      );
    },

    /**
     * Finds the ids of the customer's SetupIntents that an invocation created, by the invocation id in their metadata. The
     * list, unlike search, shows what was just made. Where Stripe doesn't know the customer (any more), the account's list
     * is gone through. https://docs.stripe.com/api/setup_intents/list
     */
    async findSetups(customerId: string, invocationId: string, fixedAtMs: number): Promise<readonly string[]> {
      const created = { gte: Math.floor((fixedAtMs - clockToleranceMs) / 1000) };
      const idsIn = async (params: Stripe.SetupIntentListParams): Promise<readonly string[]> => {
        const ids: string[] = [];
        const list = stripe.setupIntents.list({ ...params, created, limit: 100 });
        for await (const setup of list) if (setup.metadata?.[invocationIdKey] === invocationId) ids.push(setup.id);
        return ids;
      };
      const found = await ask<readonly string[] | null>(
        async () => await idsIn({ customer: customerId }),
        () => null,
      );
      if (found !== null) return found;
      return await ask(
        async () => await idsIn({}),
        (meaning) => unexpectedAnswer("list SetupIntents", meaning),
      );
    },

    /** Reads a SetupIntent. https://docs.stripe.com/api/setup_intents/retrieve */
    async readSetup(setupIntentId: string): Promise<ReadSetupResult> {
      return await ask<ReadSetupResult>(
        async () => ({ kind: "setup", setup: seen(await stripe.setupIntents.retrieve(setupIntentId)) }),
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? { kind: "missing", refusal: meaning.refusal }
            : unexpectedAnswer("read the SetupIntent", meaning),
      );
    },

    /** Writes a doorbell's address into the metadata, so that the next webhook rings it. */
    async hangSetupDoorbell(setupIntentId: string, callbackKey: string, address: string): Promise<ChangeSetupResult> {
      return await annotate(setupIntentId, { [callbackKey]: address });
    },

    /** Notes a failed attempt's codes before the SetupIntent is cancelled, in the place of the closer's doorbell. */
    async noteSetupFailure(
      setupIntentId: string,
      failure: PaymentFailure,
      callbackKey: string,
    ): Promise<ChangeSetupResult> {
      return await annotate(setupIntentId, { [callbackKey]: "", [failureNoteKey]: failureNoteOf(failure) });
    },

    /** Cancels a SetupIntent. https://docs.stripe.com/api/setup_intents/cancel */
    async cancelSetup(setupIntentId: string, idempotencyKey: string): Promise<ChangeSetupResult> {
      return await ask<ChangeSetupResult>(
        async () => ({
          kind: "setup",
          setup: seen(
            await stripe.setupIntents.cancel(setupIntentId, { cancellation_reason: "abandoned" }, { idempotencyKey }),
          ),
        }),
        (meaning) => ({ kind: "refused", message: refusalMessage("cancel the SetupIntent", meaning) }),
      );
    },
  };
}

function seen(setupIntent: Stripe.SetupIntent): SetupSnapshot {
  return snapshotOfSetup(expectObject("setup_intent", setupIntent));
}

/** The SetupIntent inside a 402. Its `last_setup_error` is normally there; the error itself says the same. */
function declinedSnapshot(setupIntent: Stripe.SetupIntent, failure: PaymentFailure): SetupSnapshot {
  const setup = snapshotOfSetup(setupIntent);
  return setup.failure === null ? { ...setup, failure } : setup;
}
