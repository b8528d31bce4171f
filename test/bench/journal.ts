/** What the engine keeps of one call: its journal entries, and their bytes. */
import type { House } from "./house.ts";
import { kindOf, kinds, type KindId } from "./kinds.ts";
import { clientOf } from "./load.ts";
import type { BenchSandbox } from "./stripe.ts";

type Entry = { readonly type: string; readonly name: string; readonly bytes: number };
export type Journal = { readonly kind: KindId; readonly entries: readonly Entry[] };

/**
 * One payment of each kind, and the journal of its call, in a process that has made a payment: only the first one asks the
 * engine which installation it belongs to. That of `processWebhook` is not kept: it holds a client secret.
 */
export async function readJournals(house: House, sandbox: BenchSandbox): Promise<readonly Journal[]> {
  const client = clientOf(house.ingressUrl);
  const edge = house.edges === null ? null : clientOf(house.edges.edge.url);
  const plainEdge = house.edges === null ? null : clientOf(house.edges.plainEdge.url);
  const journals: Journal[] = [];
  await sandbox.deliverTo(null);
  await client.post(kindOf("c").call);
  for (const { id, call, webhooks, door } of kinds) {
    await sandbox.deliverTo(webhooks === "none" ? null : house.endpoints[webhooks]);
    await (door === undefined ? client : door === "edge" ? edge : plainEdge)?.post(call);
    await sandbox.untilDelivered();
    journals.push({ kind: id, entries: await journalOfLast(house, call.path) });
  }
  for (const one of [client, edge, plainEdge]) one?.close();
  return journals;
}

async function journalOfLast(house: House, path: string): Promise<readonly Entry[]> {
  const rows = await house.sql<{ entry_type: string; name: string | null; raw_length: number }>(
    `select entry_type, name, raw_length from sys_journal where id =
       (select id from sys_invocation where target = '${path.slice(1)}' order by created_at desc limit 1)
     order by index`,
  );
  return rows.map((row) => ({ type: row.entry_type, name: row.name ?? "", bytes: row.raw_length }));
}
