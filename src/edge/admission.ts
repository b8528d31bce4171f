/** Who is let in: a caller by his key and its scopes, within the limits of requests; and whose the calls are that he asks for again. */
import type { IncomingMessage } from "node:http";
import type { Call } from "../api/calls.ts";
import type { Scope } from "../api/scopes.ts";
import { identifyCaller, type CallerRules } from "./caller.ts";
import { clientAddress } from "./clientAddress.ts";
import { readCallId, type CallIdentity, type KeySpace } from "./callIdentity.ts";
import { EdgeFailure } from "./failures.ts";
import type { Installation } from "./installation.ts";
import { refuseUnconfigured, type ActingFor, type EdgeMerchants } from "./merchants.ts";
import type { RateLimits } from "./rateLimits.ts";

export type AdmissionParts = {
  readonly installation: Installation;
  readonly callers: CallerRules;
  readonly rateLimits: RateLimits;
  readonly merchants: EdgeMerchants;
  /** The registry. */
  readonly calls: readonly Call[];
};

/** Who calls: the name of his API key, empty for the developer of this machine; and the key's merchant. */
type Admitted = { readonly name: string; readonly actingFor: ActingFor };

/** A call that was made before, and what the registry says of it. */
type MadeCall = { readonly identity: CallIdentity; readonly declared: Call };

export type Admission = {
  /** @throws EdgeFailure `unauthorized`, `forbidden` or `rate_limited` */
  admit(incoming: IncomingMessage, declared: Call): Promise<Admitted>;
  /** The call of an id that the caller made. @throws EdgeFailure, also for the id of another's call: nobody learns that there is one */
  find(incoming: IncomingMessage, callId: string): Promise<MadeCall>;
  /** To be asked before the body is read: a request that broke off has no connection any more. */
  addressOf(incoming: IncomingMessage): string;
  /** @throws EdgeFailure `rate_limited` in place of the refusal */
  countRefused(address: string): Promise<void>;
};

type Caller = Admitted & { readonly may: (scope: Scope) => boolean };

/** No API key has this name. A developer of this machine may all. */
const developer: Caller = { name: "", actingFor: null, may: () => true };

export function createAdmission(parts: AdmissionParts): Admission {
  const { merchants, calls } = parts;

  async function callerOf(incoming: IncomingMessage): Promise<Caller> {
    const caller = identifyCaller(
      {
        method: incoming.method ?? "",
        headers: incoming.headersDistinct,
        remoteAddress: incoming.socket.remoteAddress,
      },
      parts.callers,
    );
    switch (caller.kind) {
      case "refused":
        await countRefused(caller.address);
        throw new EdgeFailure(caller.reason, caller.message);
      case "developer":
        return developer;
      case "key": {
        const { id, name, merchant, scopes } = caller.key;
        const taken = await parts.rateLimits.takeCall(id);
        if (!taken.allowed) throw tooMany("The API key calls too often.", taken.retryAfterSeconds);
        return { name, actingFor: merchant, may: (scope) => scopes.has(scope) };
      }
    }
  }

  async function countRefused(address: string): Promise<void> {
    const taken = await parts.rateLimits.takeRefused(address);
    if (!taken.allowed) throw tooMany("Too many requests from this address were refused.", taken.retryAfterSeconds);
  }

  /** The developer made calls for any of the merchants, each with keys of its own. A key's calls stay its own when its merchant is removed. */
  function spacesOf({ name, actingFor }: Caller): readonly KeySpace[] {
    if (actingFor !== null) return [{ merchant: actingFor, name }];
    return merchants.all().map(({ id }) => ({ merchant: id, name }));
  }

  return {
    async admit(incoming, declared) {
      const caller = await callerOf(incoming);
      refuseWithoutScope(caller, declared);
      const { name, actingFor } = caller;
      if (actingFor !== null) refuseUnconfigured(merchants, actingFor);
      return { name, actingFor };
    },
    async find(incoming, callId) {
      const caller = await callerOf(incoming);
      const installationId = await parts.installation.id();
      const identity = spacesOf(caller)
        .map((space) => readCallId(installationId, space, callId))
        .find((read) => read !== null);
      const declared = calls.find(
        ({ service, handler }) => service === identity?.target.service && handler === identity.target.handler,
      );
      if (identity === undefined || declared === undefined) {
        throw new EdgeFailure("not_found", "You made no call of this id.");
      }
      refuseWithoutScope(caller, declared);
      return { identity, declared };
    },
    addressOf(incoming) {
      const connection = { remoteAddress: incoming.socket.remoteAddress, headers: incoming.headersDistinct };
      return clientAddress(connection, parts.callers.trustProxy);
    },
    countRefused,
  };
}

function refuseWithoutScope({ may }: Caller, { scope }: Call): void {
  if (!may(scope)) throw new EdgeFailure("forbidden", `The API key lacks the scope ${scope}.`);
}

function tooMany(message: string, retryAfterSeconds: number): EdgeFailure {
  return new EdgeFailure("rate_limited", message, { retryAfterSeconds });
}
