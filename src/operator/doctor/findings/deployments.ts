/**
 * Does the engine know the service, does it get through to it, and is what runs there what was registered? The engine itself
 * is asked to look, because it is the engine that has to get through.
 */
import type { Deployment, Discovery, OfferedService } from "../../engine/adminApi.ts";
import type { ServiceOffer } from "../../../app/services.ts";
import { ok, warning, withDetails, wrong, type Finding } from "./finding.ts";

const check = "deployments";

/** A deployment that offers something of ours. */
type SeenDeployment = Deployment & {
  readonly discovery: Discovery;
  /** What it offered when it was registered. */
  readonly registered: readonly ServiceOffer[];
  /** Invocations that began on it and have not ended. */
  readonly pinned: number;
};

export type SeenDeployments = {
  readonly deployments: readonly SeenDeployment[];
  /** The newest revision of every service that the engine knows, with its deployment. */
  readonly services: readonly (OfferedService & { readonly deploymentId: string })[];
};

export type DeploymentsQuestion = SeenDeployments & {
  readonly offer: readonly ServiceOffer[];
  /** Where the service would listen on this machine. */
  readonly localAddress: string;
  readonly cli: string;
};

export function judgeDeployments(question: DeploymentsQuestion): readonly Finding[] {
  const { deployments, services, offer, localAddress, cli } = question;
  const missing = offer.filter(({ name }) => !services.some((service) => service.name === name));
  if (missing.length === offer.length) {
    const register = `${cli} deployments register ${localAddress}`;
    return [wrong(check, "The engine does not know the service: it is not registered.", register)];
  }
  const current = deployments.filter(({ id }) => services.some((service) => service.deploymentId === id));
  const findings = [
    ...deployments.flatMap((deployment) => reachability(deployment, current.includes(deployment), cli)),
    ...current.flatMap((deployment) => staleness(deployment, cli)),
    ...differences(question, missing),
  ];
  const addresses = current.map(({ address }) => address).join(", ");
  const handlers = services.flatMap((service) => (isOurs(service.name, offer) ? service.handlers : [])).length;
  const allWell = `The service is registered and the engine gets through to it at ${addresses} (${handlers} handlers).`;
  return findings.some(({ verdict }) => verdict === "wrong") ? findings : [ok(check, allWell), ...findings];
}

/** Whether the engine gets through, for every deployment that it may have to call. */
function reachability(deployment: SeenDeployment, isCurrent: boolean, cli: string): readonly Finding[] {
  const { address, discovery, id, pinned } = deployment;
  if (discovery.kind === "offers" || discovery.kind === "refused") return [];
  if (discovery.kind === "unauthorized") {
    return [
      wrong(
        check,
        `The service at ${address} refuses the engine: the key that the engine signs with is not among its RESTATE_IDENTITY_KEYS.`,
        "Set RESTATE_IDENTITY_KEYS to the public key of the engine's identity key, and restart the service; what waits goes on by itself",
      ),
    ];
  }
  const waits = `${pinned} ${pinned === 1 ? "invocation waits" : "invocations wait"} for it`;
  if (isCurrent || pinned > 0) {
    const about = isCurrent
      ? "The engine does not get through to the service"
      : "The engine does not get through to an older version of the service";
    return [
      withDetails(
        wrong(
          check,
          `${about} at ${address}; ${waits}, and nothing of them is lost.`,
          `Start ${isCurrent ? "it" : "that version"} there again (npm run app); what waits goes on by itself`,
        ),
        [discovery.message],
      ),
    ];
  }
  return [
    warning(
      check,
      `An older version of the service at ${address} is gone, and nothing waits for it.`,
      `${cli} deployments remove ${id}`,
    ),
  ];
}

/** A process whose code is not what was registered at its address. */
function staleness({ address, discovery, registered }: SeenDeployment, cli: string): readonly Finding[] {
  if (discovery.kind !== "offers") return [];
  const runs = handlersOf(discovery.services);
  const known = handlersOf(registered);
  const added = runs.filter((handler) => !known.includes(handler));
  const gone = known.filter((handler) => !runs.includes(handler));
  if (added.length === 0 && gone.length === 0) return [];
  return [
    withDetails(
      wrong(
        check,
        `At ${address} runs another version than the one that was registered there.`,
        "Give the new version an address of its own, start the old one again, and ask: npm run deploy:check -- <new address>",
        `Or, where its code can go on with what waits: ${cli} deployments register --force ${address}`,
      ),
      [
        ...(added.length === 0 ? [] : [`not registered: ${added.join(", ")}`]),
        ...(gone.length === 0 ? [] : [`registered, but gone: ${gone.join(", ")}`]),
      ],
    ),
  ];
}

/** What new calls get, compared with this checkout. */
function differences(
  { services, offer, cli }: DeploymentsQuestion,
  missing: readonly ServiceOffer[],
): readonly Finding[] {
  const ours = services.filter((service) => isOurs(service.name, offer));
  const expected = handlersOf(offer);
  const deployed = handlersOf(ours);
  const lacking = expected.filter((handler) => !deployed.includes(handler));
  const more = deployed.filter((handler) => !expected.includes(handler));
  if (missing.length === 0 && lacking.length === 0 && more.length === 0) return [];
  const about = warning(
    check,
    "The version that runs is not that of this checkout.",
    `Deploy this one, if that is not what you mean: npm run deploy:check -- <its address>, then ${cli} deployments register <its address>`,
  );
  return [
    withDetails(about, [
      ...(lacking.length === 0 ? [] : [`only here: ${lacking.join(", ")}`]),
      ...(more.length === 0 ? [] : [`only there: ${more.join(", ")}`]),
    ]),
  ];
}

function handlersOf(services: readonly ServiceOffer[]): readonly string[] {
  return services.flatMap(({ name, handlers }) => handlers.map((handler) => `${name}/${handler}`));
}

function isOurs(name: string, offer: readonly ServiceOffer[]): boolean {
  return offer.some((service) => service.name === name);
}

/** The merchant's own handler that is told what became of payments. */
export function judgeReceiver(
  receiver: { readonly service: string; readonly handler: string },
  services: readonly ServiceOffer[],
): readonly Finding[] {
  const name = `${receiver.service}/${receiver.handler}`;
  if (handlersOf(services).includes(name)) return [];
  return [
    wrong(
      "notifications",
      `NOTIFY_SERVICE names ${name}, which the engine does not know: notifications keep their places and wait.`,
      "Register the deployment of that service, or correct NOTIFY_SERVICE and restart",
    ),
  ];
}
