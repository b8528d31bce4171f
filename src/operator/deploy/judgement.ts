/**
 * May a new version be registered, and which old ones are still needed? An invocation goes on where it began, so a new version
 * strands something only in these ways: it takes the address of one that something waits on; it cannot be reached; it lacks what
 * queued, scheduled or new calls ask for; or an old one that is still needed is gone already.
 */
import type { Deployment, Discovery, OfferedService } from "../engine/adminApi.ts";
import { ok, warning, withDetails, wrong, type Finding } from "../doctor/findings/finding.ts";

type OldDeployment = Deployment & {
  /** Invocations that began on it and have not ended. */
  readonly pinned: number;
  readonly discovery: Discovery;
};

/** Invocations of a handler that have not begun: they go to the newest version. */
export type Unbegun = { readonly service: string; readonly handler: string; readonly count: number };

/** The engine as it is before a registration. */
export type EngineState = {
  readonly deployments: readonly OldDeployment[];
  /** The newest revision of every service, with its deployment. */
  readonly services: readonly (OfferedService & { readonly deploymentId: string })[];
  readonly unbegun: readonly Unbegun[];
  readonly cli: string;
};

export type Candidate = { readonly address: string; readonly discovery: Discovery };

const check = "deploy";

/** What speaks against registering it: nothing, or at least one finding that is wrong. */
export function judgeCandidate(candidate: Candidate, state: EngineState): readonly Finding[] {
  const { address, discovery } = candidate;
  const same = state.deployments.find((deployment) => deployment.address === address);
  const taken = same === undefined || same.pinned === 0 ? [] : [addressTaken(same)];
  switch (discovery.kind) {
    case "unreachable":
      return [
        ...taken,
        withDetails(
          wrong(
            check,
            `The engine does not get through to ${address}: calls would wait for it.`,
            "Start the new version there, reachable from the engine, and ask again",
          ),
          [discovery.message],
        ),
      ];
    case "unauthorized":
      return [
        ...taken,
        wrong(
          check,
          `The service at ${address} refuses the engine: the key that the engine signs with is not among its RESTATE_IDENTITY_KEYS.`,
          "Start it with the RESTATE_IDENTITY_KEYS of this engine, and ask again",
        ),
      ];
    case "refused":
      return [
        ...taken,
        withDetails(
          wrong(
            check,
            `The engine would not take ${address}: it can't follow what is registered.`,
            "Give a service of another kind another name; don't force it: what waits would be stranded",
          ),
          [discovery.message],
        ),
      ];
    case "offers":
      return [
        ...taken,
        ...lacks(address, discovery.services, state),
        ...otherKinds(address, discovery.services, state),
      ];
  }
}

function addressTaken({ address, pinned, id }: OldDeployment): Finding {
  const those = pinned === 1 ? "1 invocation" : `${pinned} invocations`;
  return wrong(
    check,
    `${address} is the address of ${id}, on which ${those} began: they would go on in other code than they began with.`,
    "Start the new version under an address of its own (another port, or a path or host name with the version in it), beside the old one",
  );
}

/** A service that the candidate takes over must keep its handlers, and so must the services that came with it. */
function lacks(address: string, offers: readonly OfferedService[], state: EngineState): readonly Finding[] {
  return replaced(offers, state).flatMap((service) => {
    const next = offers.find(({ name }) => name === service.name);
    const gone = service.handlers.filter((handler) => next?.handlers.includes(handler) !== true);
    if (gone.length === 0) return [];
    const waiting = state.unbegun
      .filter((unbegun) => unbegun.service === service.name && gone.includes(unbegun.handler))
      .reduce((sum, { count }) => sum + count, 0);
    const what =
      next === undefined
        ? `lacks the service ${service.name}, which would stay on the old version for ever`
        : `lacks ${gone.map((handler) => `${service.name}/${handler}`).join(", ")}: the engine would take it all the same, and calls would fail`;
    const queued =
      waiting === 0 ? "" : ` ${waiting} that ${waiting === 1 ? "is" : "are"} queued or scheduled ask for it.`;
    return [
      wrong(
        check,
        `The version at ${address} ${what}.${queued}`,
        "Keep it in the new version until nothing asks for it any more",
      ),
    ];
  });
}

function otherKinds(address: string, offers: readonly OfferedService[], state: EngineState): readonly Finding[] {
  return offers.flatMap(({ name, type }) => {
    const present = state.services.find((service) => service.name === name);
    if (present === undefined || present.type === type) return [];
    return [
      wrong(
        check,
        `At ${address}, ${name} is a ${type}; it is registered as a ${present.type}, and a service can't change its kind.`,
        "Give it another name",
      ),
    ];
  });
}

/** The services of the deployments that the candidate follows: those from which it takes over at least one. */
function replaced(offers: readonly OfferedService[], { services }: EngineState): EngineState["services"] {
  const from = services.filter(({ name }) => offers.some((offered) => offered.name === name));
  return services.filter(({ deploymentId }) => from.some((service) => service.deploymentId === deploymentId));
}

/** Every deployment of ours: who still needs it, and whether it is there. */
export function judgeDeployments(state: EngineState): readonly Finding[] {
  return state.deployments.map((deployment) => {
    const { id, address, pinned, discovery } = deployment;
    const isNewest = state.services.some(({ deploymentId }) => deploymentId === id);
    const isGone = discovery.kind === "unreachable" || discovery.kind === "unauthorized";
    const began = `${pinned} ${pinned === 1 ? "invocation" : "invocations"} began on ${id} at ${address}`;
    if (isGone && pinned > 0) {
      return wrong(
        check,
        `${began}, and the engine does not get through to it: they can't go on.`,
        `Start that version at ${address} again, and keep it until it is drained`,
      );
    }
    if (isNewest) return ok(check, `${began}, and new calls go to it.`);
    if (pinned > 0) return ok(check, `${began} and will end there: keep it running.`);
    return {
      ...ok(check, `${id} at ${address} is drained: nothing waits on it, nothing new goes to it. Switch it off.`),
      remedies: [`${state.cli} deployments remove ${id}`],
    };
  });
}

/** How the candidate is registered, once nothing speaks against it. */
export function howToRegister({ address }: Candidate, { deployments, unbegun, cli }: EngineState): Finding {
  const isKnown = deployments.some((deployment) => deployment.address === address);
  const queued = unbegun.reduce((sum, { count }) => sum + count, 0);
  const follows =
    queued === 0 ? "" : ` The ${queued} that ${queued === 1 ? "is" : "are"} queued or scheduled will run on it.`;
  if (isKnown) {
    // Without force the engine keeps what it read when the address was registered.
    return warning(
      check,
      `${address} is registered already, and nothing waits on it: it can be read anew.${follows}`,
      `${cli} deployments register --force ${address}`,
    );
  }
  return {
    ...ok(check, `Nothing would be stranded: ${address} can be registered.${follows}`),
    remedies: [`${cli} deployments register ${address}`],
  };
}
