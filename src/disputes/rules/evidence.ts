/** Evidence against a dispute: the fields that take text, with Stripe's name of each. */

/** https://docs.stripe.com/api/disputes/update */
export const evidenceFields = {
  accessActivityLog: "access_activity_log",
  billingAddress: "billing_address",
  cancellationPolicyDisclosure: "cancellation_policy_disclosure",
  cancellationRebuttal: "cancellation_rebuttal",
  customerEmailAddress: "customer_email_address",
  customerName: "customer_name",
  customerPurchaseIp: "customer_purchase_ip",
  duplicateChargeExplanation: "duplicate_charge_explanation",
  duplicateChargeId: "duplicate_charge_id",
  productDescription: "product_description",
  refundPolicyDisclosure: "refund_policy_disclosure",
  refundRefusalExplanation: "refund_refusal_explanation",
  serviceDate: "service_date",
  shippingAddress: "shipping_address",
  shippingCarrier: "shipping_carrier",
  shippingDate: "shipping_date",
  shippingTrackingNumber: "shipping_tracking_number",
  uncategorizedText: "uncategorized_text",
} as const;

export type EvidenceField = keyof typeof evidenceFields;

export type Evidence = { readonly [Field in EvidenceField]?: string | undefined };

/** Stripe's limits in characters: for one text, and for all evidence of a dispute together. */
export const maximumEvidenceText = 20_000;
export const maximumEvidenceTogether = 150_000;

/** The length of all texts together, in characters. */
export function evidenceLength(evidence: Evidence): number {
  return Object.values(evidence).reduce((sum, text) => sum + (text?.length ?? 0), 0);
}
