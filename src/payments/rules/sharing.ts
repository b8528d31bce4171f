/**
 * How a payment is shared between a platform and a connected account, and whether a request for that contradicts itself. What Stripe
 * would refuse of any account is refused before it is asked.
 *
 * https://docs.stripe.com/connect/charges
 */
import { fractionProblem } from "../../money/money.ts";
import type { PaymentSnapshot } from "./payment.ts";

/** Amounts in minor units; null for what is not given. */
type Sharing = {
  readonly amount: number | null;
  readonly currency: string;
  /** The charge is made on the connected account. */
  readonly isDirect: boolean;
  readonly transfer: { readonly amount: number | null } | null;
  readonly applicationFeeAmount: number | null;
};

type Problem = { readonly field: string; readonly message: string };

/** What of a request contradicts itself: a sentence per field, none where it is sound. */
export function sharingProblems(request: Sharing): readonly Problem[] {
  const { isDirect, transfer, applicationFeeAmount } = request;
  const fee = applicationFeeAmount === null ? [] : partProblems(request, "applicationFeeAmount", applicationFeeAmount);
  const passedOn = transfer?.amount ?? null;
  const problems: (Problem | false)[] = [
    applicationFeeAmount !== null &&
      !isDirect &&
      transfer === null && {
        field: "applicationFeeAmount",
        message: "needs transfer or stripeAccount: without a connected account there is nobody to take a fee from",
      },
    applicationFeeAmount !== null &&
      passedOn !== null && {
        field: "applicationFeeAmount",
        message: "excludes transfer.amount: each says what the platform keeps",
      },
  ];
  const contradictions = problems.filter((problem) => problem !== false);
  return [...contradictions, ...fee, ...(passedOn === null ? [] : partProblems(request, "transfer.amount", passedOn))];
}

function partProblems({ amount, currency }: Sharing, field: string, part: number): readonly Problem[] {
  const fraction = fractionProblem(part, currency);
  if (fraction !== null) return [{ field, message: fraction }];
  return amount !== null && part > amount
    ? [{ field, message: `must be at most ${amount}, which is what is charged` }]
    : [];
}

/** What a refund that takes a whole payment back takes along: what was passed on, and the platform's fee. */
export function sharesToTakeBack({
  transfer,
  applicationFeeAmount,
}: Pick<PaymentSnapshot, "transfer" | "applicationFeeAmount">) {
  return {
    ...(transfer !== undefined && { reverseTransfer: true }),
    ...(applicationFeeAmount !== undefined && { refundApplicationFee: true }),
  };
}
