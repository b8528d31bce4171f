/** Reads the engine's side of a run by SQL. */
import type { InvocationRecord, Kept, Ring, RingRecord, Timer } from "./records.ts";

/** Rows as they come, so that a journal of any size can be looked through. */
async function query(adminUrl: string, sql: string): Promise<Response> {
  const response = await fetch(`${adminUrl}/query`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query: sql }),
    signal: AbortSignal.timeout(180_000),
  });
  if (!response.ok) throw new Error(`The engine refused a query with ${response.status}: ${await response.text()}`);
  return response;
}

async function rowsOf<Row>(adminUrl: string, sql: string): Promise<readonly Row[]> {
  return ((await (await query(adminUrl, sql)).json()) as { rows: readonly Row[] }).rows;
}

/** The answer to a query as bytes. Binary columns come in hexadecimal digits. */
export async function* bytesOf(adminUrl: string, sql: string): AsyncGenerator<Uint8Array> {
  const { body } = await query(adminUrl, sql);
  if (body !== null) for await (const chunk of body as ReadableStream<Uint8Array>) yield chunk;
}

/** The reconciler's next run, and the time at which something is forgotten: those are no calls that somebody waits for. */
const isOver =
  "(status = 'completed' or (status = 'scheduled' and (target_service_name in ('webhookReconciler', 'paymentReference') or (target_service_name = 'paymentNotifier' and target_handler_name = 'forget'))))";

export async function openInvocations(adminUrl: string): Promise<number> {
  const rows = await rowsOf<{ n: number }>(adminUrl, `select count(1) as n from sys_invocation where not ${isOver}`);
  return rows[0]?.n ?? 0;
}

export async function openWebhooks(adminUrl: string): Promise<number> {
  const rows = await rowsOf<{ n: number }>(
    adminUrl,
    "select count(1) as n from sys_invocation where status <> 'completed' and target_handler_name = 'processWebhook'",
  );
  return rows[0]?.n ?? 0;
}

export async function readInvocations(adminUrl: string): Promise<readonly InvocationRecord[]> {
  const rows = await rowsOf<{
    id: string;
    service: string;
    handler: string;
    idempotency_key?: string | null;
    status: string;
    last_failure?: string | null;
    invoked_by_id?: string | null;
    created_at: string;
    completed_at?: string | null;
  }>(
    adminUrl,
    `select id, target_service_name as service, target_handler_name as handler, idempotency_key, status, last_failure, invoked_by_id, created_at, completed_at from sys_invocation where target_handler_name <> 'processWebhook' and not (status = 'scheduled' and ${isOver})`,
  );
  return rows.map(({ id, service, handler, status, ...row }) => ({
    id,
    service,
    handler,
    status,
    idempotencyKey: row.idempotency_key ?? null,
    lastFailure: row.last_failure ?? null,
    invokedBy: row.invoked_by_id ?? null,
    acceptedAtMs: Date.parse(row.created_at),
    endedAtMs: row.completed_at === undefined || row.completed_at === null ? null : Date.parse(row.completed_at),
  }));
}

/** The identity of the installation, of which the edge's keys are made. */
export async function readInstallationId(adminUrl: string): Promise<string> {
  const [row] = await rowsOf<{ id: string }>(
    adminUrl,
    "select value_utf8 as id from state where service_name = 'installation' and key = 'id'",
  );
  return JSON.parse(row?.id ?? "null") as string;
}

/** The objects that have a state. */
export async function readStates(adminUrl: string): Promise<readonly Kept[]> {
  return await rowsOf<Kept>(adminUrl, "select distinct service_name as service, service_key as key from state");
}

/** Calls that the engine will make later. */
export async function readTimers(adminUrl: string): Promise<readonly Timer[]> {
  const rows = await rowsOf<Timer>(
    adminUrl,
    "select target_service_name as service, target_service_key as key, target_handler_name as handler, idempotency_key as timer from sys_invocation where status = 'scheduled'",
  );
  return rows;
}

/** Doorbells that were rung without a word: one that is rung with one, or rejected, is a lie. */
export async function readRings(adminUrl: string): Promise<Pick<RingRecord, "rings" | "signalled">> {
  const entries = await rowsOf<{ id: string; entry_type: string; appended_at?: string; entry_json?: string }>(
    adminUrl,
    "select id, entry_type, appended_at, entry_json from sys_journal where entry_type in ('Notification: Signal', 'Command: SendSignal')",
  );
  const rings: Ring[] = [];
  const signalled: string[] = [];
  for (const { id, entry_type: type, appended_at: at = "", entry_json: json = "" } of entries) {
    const [, called] = /"(inv_1\w+)"/.exec(json) ?? [];
    if (type === "Command: SendSignal" && called !== undefined) signalled.push(called);
    const [, index, said = ""] = /"Signal":\{"id":\{"Index":(\d+)\},"result":\{"Success":\[([\d,]*)\]/.exec(json) ?? [];
    const isSilent = said === "" || said === [...Buffer.from("null")].join(",");
    if (index !== undefined && isSilent) rings.push({ invocationId: id, index: Number(index), atMs: Date.parse(at) });
  }
  return { rings, signalled };
}

/** The steps of one call, as far as they are kept. */
export async function readJournal(adminUrl: string, invocationId: string): Promise<readonly string[]> {
  const rows = await rowsOf<{ index: number; entry_type: string; name?: string; appended_at?: string; raw?: string }>(
    adminUrl,
    `select index, entry_type, name, appended_at, raw from sys_journal where id = '${invocationId}' order by index`,
  );
  return rows.map(
    ({ index, entry_type: type, name = "", appended_at: at = "", raw = "" }) =>
      `${String(index).padStart(3)} ${at} ${type} ${name} ${printable(raw)}`,
  );
}

function printable(hex: string): string {
  return Buffer.from(hex, "hex")
    .toString("latin1")
    .replaceAll(/[^\x20-\x7e]+/g, " ")
    .slice(0, 600);
}
