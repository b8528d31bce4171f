/** Does a webhook with the configured secret get from the ingress through the service? */
import { ok, warning, wrong, type Finding } from "./finding.ts";

const check = "webhook path";

/** What the ingress answered to a webhook about nothing, for each secret. */
export type WebhookPathAnswer =
  | { readonly kind: "answered"; readonly status: number }
  | { readonly kind: "unreachable"; readonly message: string };

export function judgeWebhookPath(ingressUrl: string | undefined, answers: readonly WebhookPathAnswer[]): Finding {
  if (ingressUrl === undefined) {
    return warning(
      check,
      "Whether webhooks get through was not tried: the ingress is not known.",
      "Set RESTATE_INGRESS_URL",
    );
  }
  if (answers.length === 0) {
    return warning(
      check,
      "Whether webhooks get through was not tried: there is no secret to sign one with.",
      "Set STRIPE_WEBHOOK_SECRET to what the service runs with",
    );
  }
  const [trouble] = answers.filter((answer) => answer.kind === "unreachable" || answer.status !== 200);
  if (trouble === undefined) {
    return ok(check, `A webhook that is signed with STRIPE_WEBHOOK_SECRET gets through ${ingressUrl} to the service.`);
  }
  if (trouble.kind === "unreachable") {
    return wrong(
      check,
      `The ingress at ${ingressUrl} does not answer (${trouble.message}): no call and no webhook gets in.`,
      "Start the engine, or correct RESTATE_INGRESS_URL",
    );
  }
  switch (trouble.status) {
    case 400:
      return wrong(
        check,
        "The service refuses a webhook that is signed with the STRIPE_WEBHOOK_SECRET of these settings: it runs with another one.",
        "Set STRIPE_WEBHOOK_SECRET where the service runs to the endpoint's signing secret, and restart the service",
      );
    case 401:
    case 403:
      return warning(
        check,
        `The ingress at ${ingressUrl} asks for a token (${trouble.status}), so a webhook was not tried.`,
        "See that Stripe's webhooks get in all the same: what stands before the ingress has to let them through",
      );
    default:
      return wrong(
        check,
        `The ingress at ${ingressUrl} answers ${trouble.status} to a webhook.`,
        "Look at the engine's and the service's log",
      );
  }
}
