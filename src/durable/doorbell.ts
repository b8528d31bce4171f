/** The waiting side of a doorbell: a Restate awakeable whose address travels in a Stripe object's metadata. */
import type { Context, RestatePromise } from "@restatedev/restate-sdk";

/** `address` is written to Stripe's metadata, `rung` resolves when a webhook rings. It carries no data. */
export type Doorbell = { readonly address: string; readonly rung: RestatePromise<"webhook"> };

/** Anybody who knows the address can ring with any payload, or reject: both are a ring, and none is read. */
const noPayload = { serialize: () => new Uint8Array(), deserialize: () => undefined };

export function createDoorbell(ctx: Context): Doorbell {
  const { id, promise } = ctx.awakeable<undefined>(noPayload);
  return { address: id, rung: promise.map(() => "webhook" as const) };
}
