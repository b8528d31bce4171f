/** The gateway's requests about SetupIntents. */
import type { Stripe } from "stripe";
import type { NextAction } from "../../api/nextAction.ts";
import { creatorCallbackKey, failureNoteKey, makersMarks, type Maker } from "../../stripe/metadata.ts";
import type { PaymentFailure } from "../../payments/rules/payment.ts";
import type { SetupPaymentMethodRequest } from "../contract.ts";
import type { SetupSnapshot } from "../rules.ts";
import type { Refusal } from "../../stripe/errorMeaning.ts";
import { madeBy, pageQuery, type Creation } from "../../stripe/creation.ts";
import { acceptanceOf } from "../../stripe/mandate.ts";
import {
  ask,
  expectObject,
  refusalMessage,
  sendOnce,
  unexpectedAnswer,
  type FixedRequest,
  type Page,
  type Sent,
} from "../../stripe/request.ts";
import { nextActionOf } from "../../stripe/nextAction.ts";
import { failureNoteOf } from "../../stripe/snapshot.ts";
import { snapshotOfSetup } from "./snapshot.ts";

export type SetupParameters = Stripe.SetupIntentCreateParams & { readonly customer: string };

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
  origin: Maker & { readonly callbackId: string },
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
      ...makersMarks(origin),
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
    /** Creates and confirms a SetupIntent. https://docs.stripe.com/api/setup_intents/create */
    async createSetup(request: FixedRequest<SetupParameters>): Promise<Sent<SetupSnapshot>> {
      return await sendOnce(
        request,
        async (parameters, options) => seen(await stripe.setupIntents.create(parameters, options)),
        {
          declined: ({ setupIntent, failure }) =>
            setupIntent === undefined ? null : declinedSnapshot(setupIntent, failure),
          idOf: ({ setupIntentId }) => setupIntentId,
        },
      );
    },

    /**
     * Looks on one page of a customer's list, or of the account's, for the SetupIntents that a call made, by the invocation id
     * in their metadata. A list, unlike search, shows what was just made. https://docs.stripe.com/api/setup_intents/list
     * @param customerId null for the account's list
     * @param after the `next` of the page before, or null for the first page
     * @returns null where Stripe doesn't list for this customer, who may be deleted
     */
    async listSetups(
      customerId: string | null,
      creation: Creation,
      after: string | null,
    ): Promise<Page<string> | null> {
      return await ask<Page<string> | null>(
        async () => {
          const page = await stripe.setupIntents.list({
            ...pageQuery(creation, after),
            ...(customerId !== null && { customer: customerId }),
          });
          return madeBy(creation, expectObject("list", page), ({ id }) => id);
        },
        (meaning) => (customerId === null ? unexpectedAnswer("list SetupIntents", meaning) : null),
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

    /**
     * Reads a SetupIntent with the page that its customer is to visit. Its address holds a secret: this is no answer to record.
     * Null if Stripe no longer knows it.
     */
    async readSetupWithPage(
      setupIntentId: string,
    ): Promise<{ readonly setup: SetupSnapshot; readonly nextAction: NextAction | null } | null> {
      return await ask(
        async () => {
          const read = await stripe.setupIntents.retrieve(setupIntentId);
          return { setup: seen(read), nextAction: nextActionOf(read.next_action) };
        },
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? null
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
