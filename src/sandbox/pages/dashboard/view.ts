import { z } from "zod";
import type { Parts } from "../../objects/parts.ts";
import { KINDS, type ObjectFilter } from "../../control/listedObjects.ts";
import type { Store } from "../../world/store.ts";

/**
 * The address says all that the page shows, so that a view can be sent to somebody: an overview, one list as a whole, or
 * one object or event with its history.
 */
export const LISTS = ["objects", "requests", "events", "deliveries"] as const;

const number = z.coerce.number().int().min(0);
/** Parameters that make no sense are left out: an address may be typed by hand. */
const querySchema = z.object({
  view: z.enum(LISTS).nullable().catch(null),
  object: z.string().nullable().catch(null),
  event: z.string().nullable().catch(null),
  kind: z.enum(KINDS).nullable().catch(null),
  id: z.string().trim().catch(""),
  state: z.literal("pending").nullable().catch(null),
  before: number.nullable().catch(null),
});

type DashboardQuery = ObjectFilter & {
  readonly view: (typeof LISTS)[number] | null;
  readonly object: string | null;
  readonly event: string | null;
  readonly isWaiting: boolean;
};

export type View = {
  readonly parts: Parts;
  readonly store: Store;
  readonly nowMs: number;
  readonly query: DashboardQuery;
  /** A list that has the page to itself can be paged through; the overview shows its beginning. */
  readonly isWhole: boolean;
  readonly limit: number;
};

const OVERVIEW_ROWS = 10;
const WHOLE_ROWS = 50;

export function readView(parts: Parts, input: unknown): View {
  const { view, object, event, kind, id, state, before } = querySchema.parse(input);
  const query = { view, object, event, kind, search: id, before, isWaiting: state !== null };
  const isWhole = view !== null || object !== null || event !== null;
  const limit = isWhole ? WHOLE_ROWS : OVERVIEW_ROWS;
  return { parts, store: parts.store, nowMs: parts.clock.now(), query, isWhole, limit };
}
