/** The gateway's requests about PaymentIntents. */
import type { Stripe } from "stripe";
import type { NextAction } from "../../api/nextAction.ts";
import { abandonmentNoteKey, doorbellAddresses, failureNoteKey, undecidedNote } from "../../stripe/metadata.ts";
import type { PaymentFailure, PaymentSnapshot } from "../rules/payment.ts";
import type { Refusal } from "../../stripe/errorMeaning.ts";
import type { PaymentParameters } from "./parameters.ts";
import {
  ask,
  expectObject,
  refusalMessage,
  sendOnce,
  unexpectedAnswer,
  type FixedRequest,
  type Sent,
} from "../../stripe/request.ts";
import { nextActionOf } from "../../stripe/nextAction.ts";
import { failureNoteOf } from "../../stripe/snapshot.ts";
import { snapshotOfPayment } from "./snapshot.ts";

type ReadResult =
  | { readonly kind: "payment"; readonly payment: PaymentSnapshot }
  | { readonly kind: "missing"; readonly refusal: Refusal };

/** `refused`: the state, or anything else, does not allow it. The caller re-reads; an error code is not a state. */
type ChangeResult =
  | { readonly kind: "payment"; readonly payment: PaymentSnapshot }
  | { readonly kind: "refused"; readonly message: string };

/** After `failed` it is open whether Stripe can cancel it: its failure is saved under the key, and another key may fare better. */
type CancelResult = ChangeResult | { readonly kind: "failed"; readonly message: string };

/** A decision was noted; `doorbells` are those of calls that wait for it on a PaymentIntent that has succeeded. */
type NoteResult =
  | { readonly kind: "noted"; readonly doorbells: readonly string[] }
  | { readonly kind: "refused"; readonly message: string };

export type CaptureParameters = Pick<
  Stripe.PaymentIntentCaptureParams,
  "amount_to_capture" | "final_capture" | "application_fee_amount" | "transfer_data"
> & {
  readonly paymentIntentId: string;
};

export type CancellationReason = Stripe.PaymentIntentCancelParams.CancellationReason;

/** Every read and change answers with the charge in full: it keeps a failure's reason when the PaymentIntent loses it. */
const withLatestCharge = { expand: ["latest_charge"] };

export function paymentRequests(stripe: Stripe) {
  /** Changes the metadata; the answer is a read as well. It erases `last_payment_error`. https://docs.stripe.com/api/payment_intents/update */
  async function annotate(paymentIntentId: string, metadata: Record<string, string>): Promise<ChangeResult> {
    return await ask<ChangeResult>(
      async () => ({
        kind: "payment",
        payment: seen(await stripe.paymentIntents.update(paymentIntentId, { metadata, ...withLatestCharge })),
      }),
      (meaning) => ({ kind: "refused", message: refusalMessage("update the PaymentIntent", meaning) }),
    );
  }

  async function noteDecision(paymentIntentId: string, metadata: Record<string, string>): Promise<NoteResult> {
    return await ask<NoteResult>(
      async () => {
        const updated = await stripe.paymentIntents.update(paymentIntentId, { metadata, ...withLatestCharge });
        const { status, metadata: noted } = expectObject("payment_intent", updated);
        return { kind: "noted", doorbells: status === "succeeded" ? doorbellAddresses(noted) : [] };
      },
      (meaning) => ({ kind: "refused", message: refusalMessage("update the PaymentIntent", meaning) }),
    );
  }

  return {
    /** Creates and confirms a PaymentIntent. https://docs.stripe.com/api/payment_intents/create */
    async createPayment(request: FixedRequest<PaymentParameters>): Promise<Sent<PaymentSnapshot>> {
      return await sendOnce(
        request,
        async (parameters, options) => seen(await stripe.paymentIntents.create(parameters, options)),
        {
          declined: ({ paymentIntent, failure }) =>
            paymentIntent === undefined ? null : declinedSnapshot(paymentIntent, failure),
          idOf: ({ paymentIntentId }) => paymentIntentId,
        },
      );
    },

    /** Reads a PaymentIntent. https://docs.stripe.com/api/payment_intents/retrieve */
    async readPayment(paymentIntentId: string): Promise<ReadResult> {
      return await ask<ReadResult>(
        async () => ({
          kind: "payment",
          payment: seen(await stripe.paymentIntents.retrieve(paymentIntentId, withLatestCharge)),
        }),
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? { kind: "missing", refusal: meaning.refusal }
            : unexpectedAnswer("read the PaymentIntent", meaning),
      );
    },

    /**
     * Reads a PaymentIntent with the pages that its customer is to visit. Their addresses hold secrets: this is no answer to
     * record. Null if Stripe no longer knows it.
     */
    async readWithPages(
      paymentIntentId: string,
    ): Promise<{ readonly payment: PaymentSnapshot; readonly nextAction: NextAction | null } | null> {
      return await ask(
        async () => {
          const read = await stripe.paymentIntents.retrieve(paymentIntentId, withLatestCharge);
          return { payment: seen(read), nextAction: nextActionOf(read.next_action) };
        },
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? null
            : unexpectedAnswer("read the PaymentIntent", meaning),
      );
    },

    /** Writes a doorbell's address into the metadata, so that the next webhook rings it. */
    async hangDoorbell(paymentIntentId: string, callbackKey: string, address: string): Promise<ChangeResult> {
      return await annotate(paymentIntentId, { [callbackKey]: address });
    },

    /**
     * Notes a failed attempt's codes in the metadata before the PaymentIntent is cancelled, so that everybody who reads it
     * later still learns that it was declined and why. It takes the place of the closer's doorbell: the metadata may be full.
     */
    async noteFailure(paymentIntentId: string, failure: PaymentFailure, callbackKey: string): Promise<ChangeResult> {
      return await annotate(paymentIntentId, { [callbackKey]: "", [failureNoteKey]: failureNoteOf(failure) });
    },

    /**
     * Notes who is about to give the payment up while it is pending, in the place of that one's doorbell. The answer says whether
     * the payment was faster; until the writer has made its decision of that, the note says that it is undecided.
     */
    async noteAbandonment(paymentIntentId: string, invocationId: string, callbackKey: string): Promise<ChangeResult> {
      return await annotate(paymentIntentId, { [callbackKey]: "", [abandonmentNoteKey]: undecidedNote(invocationId) });
    },

    /** Makes the note a decided one: the payment was given up, and a success is taken back. */
    async decideAbandonment(paymentIntentId: string, invocationId: string): Promise<NoteResult> {
      return await noteDecision(paymentIntentId, { [abandonmentNoteKey]: invocationId });
    },

    /** Takes the note back: the payment had succeeded before it was written. */
    async withdrawAbandonment(paymentIntentId: string): Promise<NoteResult> {
      return await noteDecision(paymentIntentId, { [abandonmentNoteKey]: "" });
    },

    /** Cancels a PaymentIntent. https://docs.stripe.com/api/payment_intents/cancel */
    async cancelPayment(
      paymentIntentId: string,
      idempotencyKey: string,
      reason: CancellationReason = "abandoned",
    ): Promise<CancelResult> {
      return await ask<CancelResult>(
        async () => ({
          kind: "payment",
          payment: seen(
            await stripe.paymentIntents.cancel(
              paymentIntentId,
              { cancellation_reason: reason, ...withLatestCharge },
              { idempotencyKey },
            ),
          ),
        }),
        (meaning) => ({
          kind: meaning.kind === "saved_failure" ? "failed" : "refused",
          message: refusalMessage("cancel the PaymentIntent", meaning),
        }),
      );
    },

    /**
     * Captures what an authorization holds, or a part of it. A second full capture is refused by the PaymentIntent's
     * state, so an unknown outcome is found out by reading. https://docs.stripe.com/api/payment_intents/capture
     */
    async capturePayment(request: FixedRequest<CaptureParameters>): Promise<Sent<PaymentSnapshot>> {
      return await sendOnce(
        request,
        async ({ paymentIntentId, ...parameters }, options) =>
          seen(await stripe.paymentIntents.capture(paymentIntentId, { ...parameters, ...withLatestCharge }, options)),
        { idOf: () => request.parameters.paymentIntentId },
      );
    },

    /**
     * Expires the open Checkout Session that a PaymentIntent belongs to: Checkout's own way to cancel it. One that is
     * complete can't be. https://docs.stripe.com/api/checkout/sessions/expire
     */
    async expireSession(paymentIntentId: string, idempotencyKey: string): Promise<"expired" | "complete" | "none"> {
      const session = await ask(
        async () => {
          const { data } = expectObject(
            "list",
            await stripe.checkout.sessions.list({ payment_intent: paymentIntentId, limit: 1 }),
          );
          return data[0];
        },
        (meaning) => unexpectedAnswer("list the Checkout Sessions", meaning),
      );
      if (session?.status === "complete") return "complete";
      if (session?.status !== "open") return "none";
      return await ask(
        async () => {
          const expired = await stripe.checkout.sessions.expire(session.id, {}, { idempotencyKey });
          return expectObject("checkout.session", expired).status === "expired" ? "expired" : "none";
        },
        // Its state has changed meanwhile: reading the PaymentIntent tells.
        () => "none",
      );
    },
  };
}

function seen(paymentIntent: Stripe.PaymentIntent): PaymentSnapshot {
  return snapshotOfPayment(expectObject("payment_intent", paymentIntent));
}

/** The PaymentIntent inside a 402. Its `last_payment_error` is normally there; the error itself says the same. */
function declinedSnapshot(paymentIntent: Stripe.PaymentIntent, failure: PaymentFailure): PaymentSnapshot {
  const payment = snapshotOfPayment(paymentIntent);
  return payment.failure === null ? { ...payment, failure } : payment;
}
