import type { ObjectContext, ObjectSharedContext, TypedState } from "@restatedev/restate-sdk";

/** The context of an object's handler with the types of the object's state, which the SDK's `implement` leaves out. */
export function withState<State extends TypedState>(ctx: ObjectContext): ObjectContext<State> {
  return ctx as unknown as ObjectContext<State>;
}

/** The same for a handler that only reads. */
export function withSharedState<State extends TypedState>(ctx: ObjectSharedContext): ObjectSharedContext<State> {
  return ctx as unknown as ObjectSharedContext<State>;
}
