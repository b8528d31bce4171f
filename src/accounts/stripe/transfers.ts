/** The gateway's requests about transfers to connected accounts. */
import type { Stripe } from "stripe";
import type { CreateTransferRequest, TransferOutcome, TransferReversal } from "../contract.ts";
import { madeBy, pageQuery, type Creation } from "../../stripe/creation.ts";
import { makersMarks, type Maker } from "../../stripe/metadata.ts";
import {
  ask,
  expectObject,
  sendOnce,
  unexpectedAnswer,
  type FixedRequest,
  type Page,
  type Sent,
} from "../../stripe/request.ts";
import { idOf } from "../../stripe/snapshot.ts";

export type TransferParameters = Stripe.TransferCreateParams & { readonly destination: string };

export type ReversalParameters = Stripe.TransferCreateReversalParams & { readonly transferId: string };

/** The parameters of one transfer. https://docs.stripe.com/api/transfers/create */
export function transferParameters(request: CreateTransferRequest, maker: Maker): TransferParameters {
  const { accountId, amount, currency, sourceChargeId, transferGroup, metadata } = request;
  return {
    amount,
    currency,
    destination: accountId,
    ...(sourceChargeId === undefined ? {} : { source_transaction: sourceChargeId }),
    ...(transferGroup === undefined ? {} : { transfer_group: transferGroup }),
    metadata: { ...metadata, ...makersMarks(maker) },
  };
}

export function transferRequests(stripe: Stripe) {
  return {
    /** Transfers money. https://docs.stripe.com/api/transfers/create */
    async createTransfer(request: FixedRequest<TransferParameters>): Promise<Sent<TransferOutcome>> {
      return await sendOnce(request, async (parameters, options) =>
        seenTransfer(await stripe.transfers.create(parameters, options)),
      );
    },

    /**
     * Looks on one page of an account's transfers for those that a call made. https://docs.stripe.com/api/transfers/list
     * @param after the `next` of the page before, or null for the first page
     */
    async listTransfers(destination: string, creation: Creation, after: string | null): Promise<Page<string>> {
      return await ask<Page<string>>(
        async () => {
          const page = await stripe.transfers.list({ destination, ...pageQuery(creation, after) });
          return madeBy(creation, expectObject("list", page), ({ id }) => id);
        },
        (meaning) => unexpectedAnswer("list the transfers", meaning),
      );
    },

    /** Reads a transfer; null if there is none. https://docs.stripe.com/api/transfers/retrieve */
    async readTransfer(transferId: string): Promise<TransferOutcome | null> {
      return await ask(
        async () => seenTransfer(await stripe.transfers.retrieve(transferId)),
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? null
            : unexpectedAnswer("read the transfer", meaning),
      );
    },

    /** Takes a transfer back, or a part of it. https://docs.stripe.com/api/transfer_reversals/create */
    async reverseTransfer(request: FixedRequest<ReversalParameters>): Promise<Sent<TransferReversal>> {
      return await sendOnce(request, async ({ transferId, ...parameters }, options) =>
        seenReversal(await stripe.transfers.createReversal(transferId, parameters, options)),
      );
    },

    /**
     * Looks on one page of a transfer's reversals for those that a call made: they are few, and can't be asked for by their age.
     * https://docs.stripe.com/api/transfer_reversals/list
     * @param after the `next` of the page before, or null for the first page
     */
    async listReversals(transferId: string, creation: Creation, after: string | null): Promise<Page<string>> {
      return await ask<Page<string>>(
        async () => {
          const query = { limit: 100, ...(after === null ? {} : { starting_after: after }) };
          const page = await stripe.transfers.listReversals(transferId, query);
          return madeBy(creation, expectObject("list", page), ({ id }) => id);
        },
        (meaning) => unexpectedAnswer("list the reversals", meaning),
      );
    },

    /** Reads a reversal; null if there is none. https://docs.stripe.com/api/transfer_reversals/retrieve */
    async readReversal(transferId: string, reversalId: string): Promise<TransferReversal | null> {
      return await ask(
        async () => seenReversal(await stripe.transfers.retrieveReversal(transferId, reversalId)),
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? null
            : unexpectedAnswer("read the reversal", meaning),
      );
    },
  };
}

function seenTransfer(transfer: Stripe.Transfer): TransferOutcome {
  const { id, amount, amount_reversed, currency, transfer_group } = expectObject("transfer", transfer);
  return {
    transferId: id,
    accountId: idOf(transfer.destination) ?? "",
    amount,
    amountReversed: amount_reversed,
    currency,
    sourceChargeId: idOf(transfer.source_transaction),
    transferGroup: transfer_group,
  };
}

function seenReversal(reversal: Stripe.TransferReversal): TransferReversal {
  const { id, amount, currency } = expectObject("transfer_reversal", reversal);
  return { reversalId: id, transferId: idOf(reversal.transfer) ?? "", amount, currency };
}
