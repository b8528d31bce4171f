import type { Parameters } from "./parameters.ts";
import type { Store } from "../world/store.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";

/** One request after authentication and parameter rules, as the endpoint sees it. */
export type ApiCall = {
  /** The id in the path; empty where the path has none. */
  readonly id: string;
  readonly path: string;
  readonly apiVersion: string;
  readonly parameters: Parameters;
  readonly unit: UnitOfWork;
  readonly store: Store;
};

export type Endpoint = {
  readonly method: "GET" | "POST" | "DELETE";
  /** Hono's notation: `/v1/payment_intents/:id`. */
  readonly path: string;
  /** Gives the object to answer with, or throws an ApiError. */
  readonly run: (call: ApiCall) => unknown;
};
