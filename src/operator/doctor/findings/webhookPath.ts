/** Does a webhook with the configured secret get from the edge, or the ingress, through the service? */
import { ok, warning, wrong, type Finding } from "./finding.ts";

const check = "webhook path";

/** What was answered there to a webhook about nothing, for each secret. */
export type WebhookPathAnswer =
  | { readonly kind: "answered"; readonly status: number }
  | { readonly kind: "unreachable"; readonly message: string };

/** @param secrets the setting that holds them */
export function judgeWebhookPath(
  entryUrl: string | undefined,
  answers: readonly WebhookPathAnswer[],
  secrets: string,
): Finding {
  if (entryUrl === undefined) {
    return warning(
      check,
      "Whether webhooks get through was not tried: it is not known where they come in.",
      "Set RESTATE_INGRESS_URL",
    );
  }
  if (answers.length === 0) {
    return warning(
      check,
      "Whether webhooks get through was not tried: there is no secret to sign one with.",
      `Set ${secrets} to what the service runs with`,
    );
  }
  const [trouble] = answers.filter((answer) => answer.kind === "unreachable" || answer.status !== 200);
  if (trouble === undefined) {
    return ok(check, `A webhook that is signed with ${secrets} gets through ${entryUrl}.`);
  }
  if (trouble.kind === "unreachable") {
    return wrong(
      check,
      `${entryUrl} does not answer (${trouble.message}): no call and no webhook gets in.`,
      "Start it (npm start starts all), or correct EDGE_PORT or RESTATE_INGRESS_URL",
    );
  }
  switch (trouble.status) {
    case 400:
      return wrong(
        check,
        `A webhook is refused that is signed with the ${secrets} of these settings: what takes it runs with another one.`,
        `Set ${secrets} where the service and the edge run to the endpoint's signing secret, and restart both`,
      );
    case 401:
    case 403:
      return warning(
        check,
        `${entryUrl} asks for a token (${trouble.status}), so a webhook was not tried.`,
        "See that Stripe's webhooks get in all the same: what stands before it has to let them through",
      );
    default:
      return wrong(
        check,
        `${entryUrl} answers ${trouble.status} to a webhook.`,
        "Look at the logs of the edge, the engine and the service",
      );
  }
}
