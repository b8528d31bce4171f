/**
 * The real side of many runs at once: a scene, with the service in processes that can be killed and with Stripe's webhooks
 * in our hands. A crash hits every run that is under way; none may notice it but by a connection that breaks.
 */
import { openScene, secretKey, webhookSecret, type Scene } from "../scene/scene.ts";
import type { Defect } from "./defects.ts";
import { openMailRoom, type MailRoom } from "./mail.ts";
import { startService } from "./serviceProcesses.ts";

const hourMs = 3_600_000;
/** Long enough for everything to rest between two polls on a busy machine. */
const pollMs = 1500;

/** An invocation of the engine's that has not ended. */
type Invocation = {
  readonly id: string;
  readonly status: string;
  readonly journal_size: number;
  readonly idempotency_key: string | null;
  readonly invoked_by_id: string | null;
  readonly target_service_name: string;
};

const openInvocations = `select id, status, journal_size, idempotency_key, invoked_by_id, target_service_name
  from sys_invocation where status <> 'completed' order by id`;

export type Stage = {
  readonly scene: Scene;
  readonly mail: MailRoom;
  crash(process: "service" | "engine"): Promise<void>;
  /** All invocations that have not ended, as they are after this call began. Runs that ask at once share an answer. */
  invocations(): Promise<readonly Invocation[]>;
  /** Resolves when everything has arrived in the engine that was on its way. */
  barrier(): Promise<void>;
  close(): Promise<void>;
};

export async function openStage(options: { readonly polls: boolean; readonly defect: Defect | null }): Promise<Stage> {
  // The engine suspends and replays the handlers at every await, so that a call that rests is one that is suspended.
  const scene = await openScene(0);
  await scene.stopService();
  const mail = await openMailRoom();
  const endpoints = await scene.stripe.webhookEndpoints.list();
  for (const { id } of endpoints.data) await scene.stripe.webhookEndpoints.update(id, { url: mail.url });
  const service = await startService({
    port: scene.servicePort,
    apiBase: scene.sandboxUrl,
    secretKey,
    webhookSecrets: [webhookSecret],
    pollScheduleMs: [options.polls ? pollMs : hourMs],
    inactivityTimeoutMs: 0,
    defect: options.defect,
    receiver: null,
    source: null,
  });

  const crash = { service: atOnce(() => service.crash()), engine: atOnce(() => scene.crashEngine()) };
  return {
    scene,
    mail,
    crash: (process) => crash[process](),
    invocations: shared(
      async () =>
        await persistently(async () => {
          const rows: readonly Invocation[] | undefined = await scene.sql<Invocation>(openInvocations);
          // An engine that is only just starting answers otherwise.
          if (rows === undefined) throw new Error("The engine does not say which invocations are open.");
          return rows;
        }),
    ),
    barrier: shared(async () => await persistently(() => scene.barrier())),
    async close() {
      await service.close();
      await mail.close();
      await scene.close();
    },
  };
}

/** Whoever asks while it is being done is served by that. */
function atOnce(act: () => Promise<void>): () => Promise<void> {
  let acting: Promise<void> | null = null;
  return async () => {
    acting ??= act().finally(() => (acting = null));
    await acting;
  };
}

/** Whoever asks while an answer is under way gets the next one, which begins after the question. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  let next: Promise<T> | null = null;
  const begin = (): Promise<T> => {
    next = null;
    running = ask().finally(() => (running = null));
    return running;
  };
  return async () => {
    if (running === null) return await begin();
    next ??= running.then(begin, begin);
    return await next;
  };
}

const patienceMs = 60_000;

/** Asks again while the connection breaks, which is all that a caller sees of a crash. */
export async function persistently<T>(ask: () => Promise<T>): Promise<T> {
  const giveUpAtMs = Date.now() + patienceMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > giveUpAtMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
