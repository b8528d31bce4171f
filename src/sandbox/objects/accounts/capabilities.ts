import type { Stripe } from "stripe";
import { ApiError } from "../../http/apiError.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { wholeList } from "../../http/lists.ts";
import { parameterSchemaOf } from "../../http/parameterSchemas.ts";
import type { Parameters } from "../../http/parameters.ts";
import { get, post } from "../../http/resources.ts";
import { capabilityOf, namesOfCapabilities } from "./capabilityObjects.ts";
import { findAccount, saveAccount } from "./savedAccounts.ts";
import { standingOf, withStanding } from "./standing.ts";

/** https://docs.stripe.com/api/capabilities */
export const CAPABILITIES: readonly Endpoint[] = [
  get("/v1/accounts/:id/capabilities", (call) => {
    const account = findAccount(call.unit, call.id);
    return wholeList(
      call,
      namesOfCapabilities(account).map((name) => capabilityOf(call.store, account, name)),
    );
  }),
  get("/v1/accounts/:id/capabilities/:capability", (call) =>
    capabilityOf(call.store, findAccount(call.unit, call.id), nameIn(call)),
  ),
  post("/v1/accounts/:id/capabilities/:capability", updateCapability),
];

function updateCapability(call: ApiCall): Stripe.Capability {
  const before = findAccount(call.unit, call.id);
  const name = nameIn(call);
  const isRequested = call.parameters.boolean("requested");
  const changed = isRequested === undefined ? before : withRequest(before, name, isRequested);
  const after = withStanding(changed, standingOf(changed));
  const isNew = namesOfCapabilities(before).length < namesOfCapabilities(after).length;
  if (isRequested !== undefined) {
    saveAccount(call, before, after);
    call.unit.fire("account_updated", [after]);
  }
  return capabilityOf(call.store, after, name, isNew ? call.unit.nowSeconds : null);
}

/** The account with the capabilities that the parameters request or give up. Their status is for its standing to say. */
export function withRequests(account: Stripe.Account, parameters: Parameters): Stripe.Account {
  const said = parameters.hash("capabilities");
  return (said?.names() ?? []).reduce((before, name) => {
    const isRequested = said?.hash(name)?.boolean("requested");
    return isRequested === undefined ? before : withRequest(before, name, isRequested);
  }, account);
}

export function withRequest(account: Stripe.Account, name: string, isRequested: boolean): Stripe.Account {
  const { [name]: current, ...others } = { ...account.capabilities } as Readonly<Record<string, string>>;
  return { ...account, capabilities: isRequested ? { ...others, [name]: current ?? "inactive" } : others };
}

/** The last part of the path. */
function nameIn({ path }: ApiCall): string {
  const name = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  const known = parameterSchemaOf({ method: "POST", path: "/v1/accounts" }).properties?.["capabilities"]?.properties;
  if (Object.hasOwn(known ?? {}, name)) return name;
  const message = `No such capability: '${name}'`;
  throw new ApiError(404, "refused", {
    type: "invalid_request_error",
    code: "resource_missing",
    param: "capability",
    message,
  });
}
