import type { ReverseTransferRequest, TransferOutcome, TransferReversal } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { createOnce, fixRequest, throughPages, type CreatedKind } from "../durable/createOnce.ts";
import { failure } from "../durable/failures.ts";
import { makersMarks, type Maker } from "../stripe/metadata.ts";
import { transferRefused } from "./failures.ts";
import { reversalObstacle } from "./rules.ts";
import type { ReversalParameters } from "./stripe/transfers.ts";

/**
 * Takes a transfer back, or a part of it, once per idempotency key. https://docs.stripe.com/api/transfer_reversals/create
 * @throws TerminalError `invalid_request`, `not_found`, `conflict`, `balance_insufficient` or `needs_review`
 */
export async function reverseTransfer(call: Call, request: ReverseTransferRequest): Promise<TransferReversal> {
  const { transferId, amount } = request;
  refuseWhatCannotBe(await readTransfer(call, transferId), amount);
  const fixed = await fixRequest(call, (_surroundings, maker) => ({ parameters: reversalParameters(request, maker) }));
  const made = await createOnce(call, reversalCreation(transferId), fixed);
  switch (made.kind) {
    case "created":
      return made.made;
    case "refused":
      // Another reversal may have come between the read and the request.
      refuseWhatCannotBe(await readTransfer(call, transferId), amount);
      throw transferRefused(made.refusal, { transferId });
    case "declined":
      throw failure("needs_review", made.failure.message, { transferId });
  }
}

function reversalCreation(transferId: string): CreatedKind<ReversalParameters, TransferReversal> {
  return {
    noun: "transfer reversal",
    step: "reverse transfer",
    send: (stripe, request) => stripe.reverseTransfer(request),
    // A failure names the transfer: a reversal can't be looked up without it.
    detailsOf: () => ({ transferId }),

    async read(call, reversalId) {
      const reversal = await call.ask("read reversal", (stripe) => stripe.readReversal(transferId, reversalId));
      if (reversal !== null) return reversal;
      throw failure("needs_review", `Stripe no longer knows the reversal ${reversalId}.`, { transferId });
    },

    async find(call, creation) {
      const page = (after: string | null) =>
        call.ask("list reversals", (stripe) => stripe.listReversals(transferId, creation, after));
      return (await throughPages(page)) ?? [];
    },

    /** Whether too much was taken back is for a person to judge. */
    undoAllButOne: async (_call, ids) => ({ keptId: ids[0] ?? "", message: "All are left as they are." }),
  };
}

async function readTransfer(call: Call, transferId: string): Promise<TransferOutcome> {
  const transfer = await call.ask("read transfer", (stripe) => stripe.readTransfer(transferId));
  if (transfer !== null) return transfer;
  throw failure("not_found", `Stripe knows no transfer ${transferId}.`, { transferId });
}

function refuseWhatCannotBe(transfer: TransferOutcome, amount: number | undefined): void {
  const obstacle = reversalObstacle(transfer, amount);
  if (obstacle === null) return;
  const { transferId, accountId } = transfer;
  throw failure(obstacle.kind, obstacle.message, { transferId, accountId });
}

function reversalParameters(request: ReverseTransferRequest, maker: Maker): ReversalParameters {
  const { transferId, amount, refundApplicationFee, metadata } = request;
  return {
    transferId,
    ...(amount === undefined ? {} : { amount }),
    ...(refundApplicationFee === undefined ? {} : { refund_application_fee: refundApplicationFee }),
    metadata: { ...metadata, ...makersMarks(maker) },
  };
}
