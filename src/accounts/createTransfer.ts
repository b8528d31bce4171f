/** Separate charges and transfers: money of the platform's to a connected account. https://docs.stripe.com/connect/separate-charges-and-transfers */
import type { CreateTransferRequest, TransferOutcome } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { createOnce, fixRequest, throughPages, type CreatedKind } from "../durable/createOnce.ts";
import { failure } from "../durable/failures.ts";
import { transferRefused } from "./failures.ts";
import { transferParameters, type TransferParameters } from "./stripe/transfers.ts";

const transferCreation: CreatedKind<TransferParameters, TransferOutcome> = {
  noun: "transfer",
  step: "create transfer",
  send: (stripe, request) => stripe.createTransfer(request),
  read: readOwnTransfer,
  detailsOf: (transferId) => ({ transferId }),

  /** In the list of the account's transfers, which shows at once what exists. */
  async find(call, creation, { destination }) {
    const page = (after: string | null) =>
      call.ask("list transfers", (stripe) => stripe.listTransfers(destination, creation, after));
    return (await throughPages(page)) ?? [];
  },

  /** Whether the account's owner was paid too much is for a person to judge. */
  undoAllButOne: async (_call, ids) => ({
    keptId: ids[0] ?? "",
    message: "All are left as they are: reverseTransfer takes back what was paid too much.",
  }),
};

/**
 * Transfers money to a connected account, once per idempotency key, whatever crashes when. https://docs.stripe.com/api/transfers/create
 * @throws TerminalError `invalid_request`, `balance_insufficient` or `needs_review`
 */
export async function createTransfer(call: Call, request: CreateTransferRequest): Promise<TransferOutcome> {
  const { accountId } = request;
  const fixed = await fixRequest(call, (_surroundings, maker) => ({ parameters: transferParameters(request, maker) }));
  const made = await createOnce(call, transferCreation, fixed);
  switch (made.kind) {
    case "created":
      return made.made;
    case "refused":
      throw transferRefused(made.refusal, { accountId });
    case "declined":
      throw failure("needs_review", made.failure.message, { accountId });
  }
}

async function readOwnTransfer(call: Call, transferId: string): Promise<TransferOutcome> {
  const transfer = await call.ask("read transfer", (stripe) => stripe.readTransfer(transferId));
  if (transfer !== null) return transfer;
  throw failure("needs_review", `Stripe no longer knows the transfer ${transferId}.`, { transferId });
}
