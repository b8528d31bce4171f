/** One notification on its way to the merchant's own system: attempt after attempt, until it is taken or given up. */
import { CancelledError, TerminalError, TimeoutError, type Context } from "@restatedev/restate-sdk";
import type { PaymentNotification } from "./contract.ts";
import { pollDelayMs } from "../durable/pollSchedule.ts";
import { postNotification, type Attempt } from "./receiver.ts";
import type { ServiceReceiver } from "./settings.ts";
import type { Delivered } from "./interface.ts";
import type { NotificationsOptions } from "./options.ts";

/** The receiver may be changed while a delivery is tried again. */
type DeliveryOptions = Pick<NotificationsOptions, "retryScheduleMs" | "attemptTimeoutMs"> & {
  readonly receiverNow: () => NotificationsOptions["receiver"];
};

/** How much of a service's own words is kept: it may say anything. */
const maximumExcerpt = 200;

/**
 * Delivers a notification. Every attempt is one step of the journal, and between them the call sleeps: it costs nothing
 * while a receiver is down, and outlives crashes of everybody.
 *
 * The receiver is the one that is configured at the time of the attempt: a corrected setting counts from the next one on.
 * @throws TerminalError when it is given up: after the last attempt, by a service that refuses it, or because it was cancelled
 */
export async function deliverNotification(
  ctx: Context,
  notification: PaymentNotification,
  options: DeliveryOptions,
): Promise<Delivered> {
  const { id } = notification;
  for (let attempts = 1; ; attempts++) {
    const attempt = await ctx.run("attempt", () => postUnlessService(notification, options));
    if (attempt.kind === "taken") return { id, attempts };
    if (attempt.kind === "service") {
      await callService(ctx, attempt, notification, options);
      return { id, attempts };
    }
    const said = attempt.kind === "refused" ? `it answered ${attempt.status}` : attempt.reason;
    if (attempts > options.retryScheduleMs.length) {
      throw new TerminalError(`The receiver took it in none of ${attempts} attempts; at last: ${said}.`);
    }
    // A receiver that comes back is not to be met by everything that waits for it in one second.
    const delayMs = pollDelayMs(options.retryScheduleMs, attempts - 1, ctx.rand.random());
    ctx.console.warn(`The receiver did not take the notification ${id} (attempt ${attempts}): ${said}.`);
    await ctx.sleep(delayMs);
  }
}

/** Posts it over HTTP. A service is called by the engine instead, so it is only named: the journal fixes which. */
async function postUnlessService(
  notification: PaymentNotification,
  { receiverNow, attemptTimeoutMs }: DeliveryOptions,
): Promise<Attempt | ServiceReceiver> {
  const receiver = receiverNow();
  switch (receiver?.kind) {
    case "http":
      return await postNotification(receiver, notification, attemptTimeoutMs);
    case "service":
      return receiver;
    case undefined:
      return { kind: "unreachable", reason: "no receiver is configured any more" };
  }
}

/** A service of the merchant's is durable itself: it is called once, and what fails there is retried there. */
async function callService(
  ctx: Context,
  { service, handler: method }: ServiceReceiver,
  notification: PaymentNotification,
  { retryScheduleMs }: DeliveryOptions,
): Promise<void> {
  const patienceMs = retryScheduleMs.reduce((sum, delayMs) => sum + delayMs, 0);
  const call = ctx.genericCall<PaymentNotification, unknown>({
    service,
    method,
    parameter: notification,
    inputSerde: json,
    outputSerde: ignored,
  });
  try {
    await call.orTimeout(patienceMs);
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof TerminalError)) throw error;
    throw new TerminalError(
      error instanceof TimeoutError
        ? `${service}/${method} has not ended; it is left to itself.`
        : `${service}/${method} refused it: ${error.message.slice(0, maximumExcerpt)}`,
    );
  }
}

const json = {
  contentType: "application/json",
  serialize: (value: unknown) => new TextEncoder().encode(JSON.stringify(value)),
  deserialize: (data: Uint8Array): never => JSON.parse(new TextDecoder().decode(data)) as never,
};

/** What a receiver answers is its own business. */
const ignored = { serialize: () => new Uint8Array(), deserialize: () => undefined };
