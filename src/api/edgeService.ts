/**
 * The service `edge`: what the edge asks of the handlers' side beside the public calls. Whoever reaches the engine may call it, and
 * learns or does nothing by it that matters.
 */
import { z } from "zod";
import { addressFields } from "./fields.ts";

export const edgeServiceName = "edge";

/** The shapes of its handlers. `check` takes the edge's signed header and tells whether the service believes it. */
export const edgeCheckSchema = z.object({
  /** The identity of the installation, of which the edge's keys for the engine are made. */
  installationId: z.string(),
  /** Whether this service has the secret that the request was signed with. */
  isEdgeTrusted: z.boolean(),
  /** Whether there is anybody to be told of payments: if not, events that only change what is told start nothing. */
  isMerchantTold: z.boolean(),
});

export type EdgeCheck = z.output<typeof edgeCheckSchema>;

/** What `GET /readyz` of the edge answers. */
export const edgeReadinessSchema = z.object({
  status: z.enum(["ready", "unavailable"]),
  /** Whether edge and service have an EDGE_SECRET in common. */
  isTrustedByService: z.boolean().exactOptional(),
});

export type EdgeReadiness = z.output<typeof edgeReadinessSchema>;

/** What `takeNews` takes of a verified event: of which payment something may be new, and where to look. */
export const eventTelltaleSchema = z.strictObject({
  ...addressFields,
  paymentIntentId: z
    .string()
    .max(255)
    .regex(/^pi_[A-Za-z0-9_]+$/),
  changes: z.array(z.enum(["refunds", "disputes", "warnings"])).max(3),
});

export type EventTelltale = z.output<typeof eventTelltaleSchema>;
