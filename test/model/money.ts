/**
 * The money's first rule at the end of a run, by what is seen alone: money is kept, taken or held, only where a caller was told
 * that it is paid, and nothing is kept of what its own caller was told is over.
 */
import type { Answer } from "../scene/scene.ts";
import type { Session } from "./session.ts";

type Holding = { readonly id: string; readonly keptMinor: number; readonly heldMinor: number };

/** @throws Error that says which money is kept, and against which answer */
export async function holdMoneyRule(session: Session): Promise<void> {
  const answers = [...session.answers.values()];
  const problems = (await holdings(session)).flatMap((holding) => brokenBy(holding, answers));
  if (problems.length > 0) throw new Error(`${session.order}: ${problems.join(" ")}`);
}

/** Gives what is wrong with what the merchant has of a payment. */
export function brokenBy({ id, keptMinor, heldMinor }: Holding, answers: readonly Answer[]): readonly string[] {
  if (keptMinor === 0 && heldMinor === 0) return [];
  const what = `${id} keeps ${keptMinor} and holds ${heldMinor},`;
  const mine = answers.filter(({ body }) => (body.paymentIntentId ?? body.metadata?.["paymentIntentId"]) === id);
  return [
    ...(mine.some(tellsPaid) ? [] : [`${what} and nobody was told that it is paid.`]),
    ...mine.filter(tellsOver).map(({ status }) => `${what} and a caller was told ${status}.`),
  ];
}

/** Paid, authorized, or handed to its customer, who pays later. */
function tellsPaid({ status, body }: Answer): boolean {
  return status === 200 && ["succeeded", "requires_capture", "requires_action"].includes(body.status ?? "");
}

/** What a call says that made a payment and ended it; who only waited says `none`, or nothing. */
function tellsOver({ body }: Answer): boolean {
  return ["canceled", "watching"].includes(body.metadata?.["compensation"] ?? "none");
}

async function holdings({ stage, paymentIds }: Session): Promise<readonly Holding[]> {
  const { stripe } = stage.scene;
  return await Promise.all(
    paymentIds.map(async (id) => {
      const { amount_received: received, amount_capturable: heldMinor } = await stripe.paymentIntents.retrieve(id);
      const { data } = await stripe.refunds.list({ payment_intent: id, limit: 100 });
      const given = data.filter(({ status }) => status !== "failed" && status !== "canceled");
      return { id, heldMinor, keptMinor: received - given.reduce((sum, { amount }) => sum + amount, 0) };
    }),
  );
}
