/** Is there a webhook endpoint at Stripe, with the event types and the API version that this service is written for? */
import type { SeenEndpoint } from "../../../stripe/inspection.ts";
import { ok, warning, withDetails, wrong, type Finding } from "./finding.ts";
import type { PatientStripe } from "../patient.ts";

const check = "webhook endpoint";

export type EndpointsQuestion = {
  readonly endpoints: readonly SeenEndpoint[];
  /** Undefined: ours are those that end in the path of `processWebhook`. */
  readonly webhookUrl: string | undefined;
  readonly neededTypes: readonly string[];
  readonly apiVersion: string;
  /** The paths that an address of ours may end in. */
  readonly paths: readonly [string, ...(readonly string[])];
  readonly stripe: Pick<PatientStripe, "kind" | "mode" | "apiBase" | "settings">;
};

export function judgeEndpoints(question: EndpointsQuestion): readonly Finding[] {
  const { endpoints, webhookUrl, paths, stripe } = question;
  const ours = endpoints.filter(({ url }) =>
    webhookUrl === undefined ? paths.some((path) => pathOf(url).endsWith(path)) : url === webhookUrl,
  );
  // An endpoint of connected accounts takes the place of no other.
  const absent = ours.every(({ isConnect }) => isConnect) ? [absence(question)] : [];
  const enabled = ours.filter(({ isEnabled }) => isEnabled);
  const disabled = ours
    .filter(({ isEnabled }) => !isEnabled)
    .map(({ id, url }) => {
      const say = enabled.length === 0 ? wrong : warning;
      const how = `${stripeCommand(stripe)} webhook_endpoints update ${id} -d disabled=false`;
      return say(check, `The webhook endpoint ${id} (${url}) is disabled: Stripe sends nothing there.`, how);
    });
  const doubled = [false, true].flatMap((isConnect) => doubling(enabled, isConnect));
  const findings = [
    ...absent,
    ...disabled,
    ...doubled,
    ...enabled.flatMap((endpoint) => judgeEndpoint(endpoint, question)),
  ];
  if (findings.length > 0) return findings;
  const urls = new Set(ours.map(({ url }) => url));
  return [ok(check, `Stripe sends exactly what is needed to ${[...urls].join(", ")}.`)];
}

function doubling(enabled: readonly SeenEndpoint[], isConnect: boolean): readonly Finding[] {
  const { length } = enabled.filter((endpoint) => endpoint.isConnect === isConnect);
  if (length < 2) return [];
  const whose = isConnect ? " of connected accounts" : "";
  const message = `${length} webhook endpoints are enabled${whose}: every event comes ${length} times.`;
  return [warning(check, message, "Keep one, unless they are of different accounts or merchants")];
}

function judgeEndpoint(
  endpoint: SeenEndpoint,
  { neededTypes, apiVersion, stripe }: EndpointsQuestion,
): readonly Finding[] {
  const { id, eventTypes } = endpoint;
  const findings: Finding[] = [];
  const all = eventTypes.includes("*");
  const missing = all ? [] : neededTypes.filter((type) => !eventTypes.includes(type));
  const more = eventTypes.filter((type) => !neededTypes.includes(type));
  const subscribe = `${stripeCommand(stripe)} webhook_endpoints update ${id} ${neededTypes.map((type) => `-d 'enabled_events[]=${type}'`).join(" ")}`;
  if (missing.length > 0) {
    const message = `The webhook endpoint ${id} lacks ${missing.length} of the event types that are needed: what they tell is found by polling only, or not at all.`;
    findings.push(withDetails(wrong(check, message, subscribe), [missing.join(", ")]));
  }
  // The sandbox's own endpoint takes everything.
  if (more.length > 0 && !(all && stripe.kind === "sandbox")) {
    const what = all
      ? "every event of the account"
      : `${more.length} event ${more.length === 1 ? "type" : "types"} that nobody here needs`;
    findings.push(warning(check, `The webhook endpoint ${id} gets ${what}: each is a call for nothing.`, subscribe));
  }
  if (endpoint.apiVersion !== apiVersion) {
    findings.push(
      warning(
        check,
        `The webhook endpoint ${id} has the API version ${endpoint.apiVersion ?? "of the account"}; this service is written for ${apiVersion}.`,
        `A version can't be changed: ${stripeCommand(stripe)} webhook_endpoints create --url ${endpoint.url} --api-version ${apiVersion} ${neededTypes.map((type) => `-d 'enabled_events[]=${type}'`).join(" ")}`,
        `Then add its secret to ${stripe.settings.secrets} (there may be several), restart the service, and: ${stripeCommand(stripe)} webhook_endpoints delete ${id}`,
      ),
    );
  }
  return findings;
}

function absence({ webhookUrl, stripe, neededTypes, apiVersion, paths: [path] }: EndpointsQuestion): Finding {
  const url = webhookUrl ?? `https://<your address>${path}`;
  const create = `${stripeCommand(stripe)} webhook_endpoints create --url ${url} --api-version ${apiVersion} ${neededTypes.map((type) => `-d 'enabled_events[]=${type}'`).join(" ")}`;
  const missing =
    webhookUrl === undefined
      ? `No webhook endpoint of the account ends in ${path}`
      : `No webhook endpoint of the account has the address ${webhookUrl}`;
  if (webhookUrl !== undefined || stripe.mode === "live") {
    return wrong(check, `${missing}: payments end by polling only, and later changes are not noticed.`, create);
  }
  return warning(
    check,
    `${missing}. With "stripe listen" that is as it should be; otherwise payments end by polling only.`,
    create,
  );
}

/** The Stripe CLI of this project, with the key that it is to use. */
function stripeCommand({ mode, apiBase, settings }: EndpointsQuestion["stripe"]): string {
  const base = apiBase === undefined ? "" : `--api-base ${apiBase} `;
  return `npx stripe ${base}--api-key ${settings.shell}${mode === "live" ? " --live" : ""}`;
}

function pathOf(url: string): string {
  return URL.parse(url)?.pathname ?? "";
}
