/** Stripe takes at most this many types in one request for events. https://docs.stripe.com/api/events/list */
const maximumEventTypes = 20;

/** Event types in portions that one request for events can name. */
export function inPortions(eventTypes: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(eventTypes.length / maximumEventTypes);
  return Array.from({ length: count }, (_, index) =>
    eventTypes.slice(index * maximumEventTypes, (index + 1) * maximumEventTypes),
  );
}
