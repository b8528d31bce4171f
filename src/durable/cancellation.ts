/** Somebody may cancel a call at any time. It is looked for only where the call waits, or where it answers without a wait. */
import { RestatePromise, type Context, type internal } from "@restatedev/restate-sdk";

/** Resolves when the call is cancelled; after a cancellation was seen, when it is cancelled again. */
export function cancellationOf(ctx: Context): RestatePromise<"cancellation"> {
  return (ctx as internal.ContextInternal).cancellation().map(() => "cancellation" as const);
}

/** Tells whether the call was cancelled before this point. It consumes the cancellation. */
export async function wasCancelled(ctx: Context): Promise<boolean> {
  // A step that does nothing, and no sleep of nothing: that one ends by the engine's clock, an hour late if ours is an hour ahead.
  const now = ctx.run("look for a cancellation", () => null).map(() => "now" as const);
  return (await RestatePromise.race([cancellationOf(ctx), now])) === "cancellation";
}
