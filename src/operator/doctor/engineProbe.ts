/** Asks the engine what it knows of our deployments and invocations. Everything here only reads. */
import { z } from "zod";
import type { EngineAdmin } from "../engine/adminApi.ts";
import { pinnedPerDeployment } from "../engine/pinned.ts";
import { keptCallsInterface } from "../../app/keptCalls.ts";
import { defaultMerchant } from "../../merchants/rules.ts";
import { accountOfReconciler, reconcilerKey, webhookReconcilerInterface } from "../../webhooks/interface.ts";
import { refusalsMatterMs, type SeenRefusals } from "./findings/deliveries.ts";
import type { SeenDeployments } from "./findings/deployments.ts";
import type { SeenGroup, SeenInvocation } from "./findings/invocations.ts";
import type { Patient } from "./patient.ts";
import { doctorKeyPrefix } from "./serviceProbe.ts";

/** Of every deployment that offers something of ours: what it was registered with, and what the engine finds there now. */
export async function seeDeployments({ admin, offer }: Patient): Promise<SeenDeployments> {
  const [all, services, pinned] = await Promise.all([
    admin.deployments(),
    admin.services(),
    pinnedPerDeployment(admin),
  ]);
  const ours = all.filter((deployment) => deployment.services.some((name) => offer.some((own) => own.name === name)));
  const deployments = await Promise.all(
    ours.map(async (deployment) => {
      const [discovery, registered] = await Promise.all([
        admin.discover(deployment, { judged: false }),
        admin.offerOf(deployment.id),
      ]);
      return { ...deployment, discovery, registered, pinned: pinned.get(deployment.id) ?? 0 };
    }),
  );
  return { deployments, services };
}

/** Handlers that have been called for as long as the engine remembers, as `service/handler`. */
export async function seeHandlersInUse({ admin, offer }: Patient): Promise<readonly string[]> {
  const rows = await admin.query(
    `select distinct target_service_name || '/' || target_handler_name as handler from sys_invocation where ${isOurs(offer)}`,
    z.object({ handler: z.string() }),
  );
  // The public call of the same name hands on to it, and is forgotten as soon as it ends.
  const handedOn = `${keptCallsInterface.name}/`;
  return rows.map(({ handler }) => (handler.startsWith(handedOn) ? handler.replace(handedOn, "payments/") : handler));
}

/** Webhooks that were refused. The engine forgets them within the hour; older ones say nothing about now. */
export async function seeRefusals({ admin }: Patient, nowMs: number): Promise<SeenRefusals | null> {
  const rows = await admin.query(
    `select completion_failure as message from sys_invocation where target_service_name = 'payments' and target_handler_name = 'processWebhook' and completion_result = 'failure' and coalesce(idempotency_key, '') not like '${doctorKeyPrefix}%' and completed_at > ${moment(nowMs - refusalsMatterMs)} order by completed_at desc limit 1000`,
    z.object({ message: z.string().optional() }),
  );
  const [last] = rows;
  return last === undefined ? null : { count: rows.length, message: last.message ?? "" };
}

/** The groups of invocations that an operator is told about. */
export async function seeInvocations({ admin, offer, longWaitMs }: Patient, nowMs: number) {
  const ours = isOurs(offer);
  const running = "status in ('suspended', 'running', 'ready', 'pending', 'inboxed')";
  const [paused, backingOff, longWaiting, notificationsGivenUp] = await Promise.all([
    seeGroup(admin, `${ours} and status = 'paused'`, "modified_at"),
    seeGroup(admin, `${ours} and status = 'backing-off'`, "created_at"),
    seeGroup(admin, `${ours} and ${running} and created_at < ${moment(nowMs - longWaitMs)}`, "created_at"),
    seeGroup(
      admin,
      "target_service_name = 'paymentNotifier' and target_handler_name = 'deliver' and completion_result = 'failure'",
      "completed_at",
    ),
  ]);
  return { paused: await withReasons(admin, paused), backingOff, longWaiting, notificationsGivenUp };
}

const shown = 10;

const stuckRow = z.object({ account: z.string(), status: z.string(), since: z.coerce.date() });
const stateRow = z.object({ key: z.string(), value_utf8: z.string() });
const reconcilerState = z.object({
  schedule: z.object({ nextAtMs: z.number(), token: z.string() }).nullable().default(null),
  reconciledUntilMs: z.number().nullable().default(null),
  last: z.object({ events: z.number() }).nullable().default(null),
});

/** When a merchant's undelivered events were last looked for, and when they will be next. */
export async function seeReconciler({ admin }: Patient, merchant: string) {
  const { name } = webhookReconcilerInterface;
  const ownKey = reconcilerKey({ merchant, stripeAccount: null });
  const [rows, stuck] = await Promise.all([
    admin.query(
      `select key, value_utf8 from state where service_name = '${name}' and service_key = '${ownKey}'`,
      stateRow,
    ),
    admin.query(
      `select target_service_key as account, status, modified_at as since from sys_invocation where target_service_name = '${name}' and target_handler_name in ('reconcile', 'tick') and status in ('paused', 'backing-off') and ${isReconcilerOf(merchant)} order by modified_at limit ${shown}`,
      stuckRow,
    ),
  ]);
  const state = Object.fromEntries(rows.map(({ key, value_utf8: value }) => [key, JSON.parse(value) as unknown]));
  const { schedule, reconciledUntilMs, last } = reconcilerState.parse(state);
  return {
    schedule,
    reconciledUntilMs,
    events: last?.events ?? 0,
    stuck: stuck.map(({ account, status, since }) => ({
      stripeAccount: accountOfReconciler(account)?.stripeAccount ?? null,
      isPaused: status === "paused",
      sinceMs: since.getTime(),
    })),
  };
}

/** Keys of connected accounts begin with that of their merchant, but for the default merchant's. */
function isReconcilerOf(merchant: string): string {
  if (merchant === defaultMerchant) return "target_service_key not like 'merchant:%'";
  const ownKey = reconcilerKey({ merchant, stripeAccount: null });
  return `(target_service_key = '${ownKey}' or starts_with(target_service_key, '${ownKey}/'))`;
}

const groupRow = z.object({
  id: z.string(),
  target: z.string(),
  since: z.coerce.date(),
  last_failure: z.string().optional(),
  last_failure_error_code: z.string().optional(),
  last_failure_related_command_name: z.string().optional(),
  completion_failure: z.string().optional(),
});

async function seeGroup(admin: EngineAdmin, condition: string, since: string): Promise<SeenGroup> {
  const [counted] = await admin.query(
    `select count(1) as n from sys_invocation where ${condition}`,
    z.object({ n: z.number() }),
  );
  const count = counted?.n ?? 0;
  if (count === 0) return { count, oldest: [] };
  const rows = await admin.query(
    `select id, target, ${since} as since, last_failure, last_failure_error_code, last_failure_related_command_name, completion_failure from sys_invocation where ${condition} order by ${since} limit ${shown}`,
    groupRow,
  );
  return { count, oldest: rows.map(seenInvocation) };
}

function seenInvocation(row: z.output<typeof groupRow>): SeenInvocation {
  const message = row.last_failure ?? row.completion_failure;
  const failure =
    message === undefined
      ? null
      : { message, step: row.last_failure_related_command_name ?? null, code: row.last_failure_error_code ?? null };
  return { id: row.id, target: row.target, sinceMs: row.since.getTime(), failure };
}

const pausedEvent = z.object({
  last_failure: z.object({ error_message: z.string(), related_command_name: z.string().nullish() }).nullish(),
});

/** The engine forgets the last failure of what does not run; why it was paused is an event in its journal. */
async function withReasons(admin: EngineAdmin, group: SeenGroup): Promise<SeenGroup> {
  if (group.count === 0) return group;
  const ids = group.oldest.map(({ id }) => `'${id}'`).join(", ");
  const events = await admin.query(
    `select id, event_json from sys_journal_events where event_type = 'Paused' and id in (${ids}) order by appended_at`,
    z.object({ id: z.string(), event_json: z.string() }),
  );
  const reasons = new Map(events.map((event) => [event.id, reasonIn(event.event_json)]));
  return { ...group, oldest: group.oldest.map((seen) => ({ ...seen, failure: reasons.get(seen.id) ?? seen.failure })) };
}

function reasonIn(json: string): SeenInvocation["failure"] {
  const failure = pausedEvent.safeParse(JSON.parse(json)).data?.last_failure;
  if (failure === undefined || failure === null) return null;
  return { message: failure.error_message, step: failure.related_command_name ?? null, code: null };
}

function isOurs(offer: Patient["offer"]): string {
  return `target_service_name in (${offer.map(({ name }) => `'${name}'`).join(", ")})`;
}

function moment(ms: number): string {
  return `'${new Date(ms).toISOString()}'`;
}
