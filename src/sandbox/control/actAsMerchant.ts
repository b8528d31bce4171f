import type { Parts } from "../objects/parts.ts";
import { ApiError } from "../http/apiError.ts";
import { DEFAULT_API_VERSION } from "../http/authentication.ts";
import { ControlError } from "./controlError.ts";
import { ENDPOINTS } from "../objects/endpoints.ts";
import { readParameters } from "../http/parameters.ts";
import { parameterSchemaOf } from "../http/parameterSchemas.ts";

/**
 * A merchant acts in Stripe's dashboard instead of by a request: the same endpoint runs, but nothing stands in the
 * request log, and the events name no request. Throws a ControlError with Stripe's reason when the endpoint refuses.
 */
export async function actAsMerchant(
  { ledger, deliveries, store }: Parts,
  account: string,
  path: string,
  id: string,
  form: Readonly<Record<string, unknown>>,
): Promise<void> {
  const endpoint = ENDPOINTS.find((one) => one.method === "POST" && one.path === path);
  if (endpoint === undefined) throw new Error(`The sandbox has no endpoint POST ${path}.`);
  const unit = ledger.begin(account);
  try {
    const parameters = readParameters(form, parameterSchemaOf(endpoint));
    endpoint.run({ id, path, apiVersion: DEFAULT_API_VERSION, parameters, unit, store });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new ControlError(error.status, error.message);
  }
  await deliveries.dispatch(await ledger.commit(unit));
}
