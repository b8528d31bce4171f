/** The whole history of one payment, for whoever has to find out how an invariant came to be violated. */
import type { ClientEntry } from "./clientLog.ts";
import { readJournal } from "./engineRecord.ts";
import type { RunRecord } from "./records.ts";
import type { SandboxFile } from "./sandboxRecord.ts";
import type { Plan } from "./work.ts";

type Line = { readonly atMs: number; readonly line: string };

export async function historyOf(
  name: string,
  from: {
    readonly plan: Plan | undefined;
    readonly entries: readonly ClientEntry[];
    readonly record: RunRecord;
    readonly sandbox: SandboxFile;
    readonly adminUrl: string;
  },
): Promise<string> {
  const { record } = from;
  const mine = from.entries.filter(({ payment }) => payment === name);
  const payments = record.stripe.payments.filter(({ payment }) => payment === name);
  const ids = new Set(payments.map(({ id }) => id));
  const charges = record.stripe.charges.filter(({ paymentIntentId }) => ids.has(paymentIntentId ?? ""));
  const refunds = record.stripe.refunds.filter(({ paymentIntentId }) => ids.has(paymentIntentId ?? ""));
  const lines: Line[] = [
    ...mine.map(({ atMs, key, event }) => ({ atMs, line: `caller   ${key} ${JSON.stringify(event)}` })),
    ...from.sandbox.historyOf([...ids, ...charges.map(({ id }) => id), ...refunds.map(({ id }) => id)]),
  ];
  const keys = new Set(mine.map(({ key }) => key));
  const makers = new Set(payments.map(({ invocationId }) => invocationId));
  const invocations = record.invocations.filter(
    ({ id, idempotencyKey }) => keys.has(idempotencyKey ?? "") || makers.has(id),
  );
  const journals = await Promise.all(
    invocations.map(async ({ id, service, handler, status, idempotencyKey, lastFailure }) =>
      [
        `  ${service}/${handler} ${id} (${idempotencyKey ?? "no key"}) is ${status}${lastFailure === null ? "" : `: ${lastFailure}`}`,
        ...(await readJournal(from.adminUrl, id)).map((line) => `    ${line}`),
      ].join("\n"),
    ),
  );
  return [
    `History of ${name}: ${JSON.stringify(from.plan)}`,
    ...lines
      .toSorted((a, b) => a.atMs - b.atMs)
      .map(({ atMs, line }) => `  ${new Date(atMs).toISOString().slice(11)} ${line}`),
    ...payments.map((payment) => `  at Stripe ${JSON.stringify(payment)}`),
    ...[...charges, ...refunds].map((object) => `  at Stripe ${JSON.stringify(object)}`),
    ...journals,
  ].join("\n");
}
