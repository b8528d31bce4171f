import { missing } from "./apiError.ts";
import type { ApiCall, Endpoint } from "./endpoint.ts";
import { listObjects } from "./lists.ts";
import { namesOf, type StoredKind, type StoredObjects } from "../world/storedObjects.ts";
import type { Transition } from "../world/transitions.ts";

/**
 * The common part of most of Stripe's objects: they are made from a complete blank and the request's parameters, changed
 * by the same parameters, retrieved and listed. A resource is a row of such facts; only its peculiarities are code.
 */
type Written<K extends StoredKind> = {
  readonly blank: (call: ApiCall) => StoredObjects[K];
  /** Writes the request's parameters into the object, which comes as it was or, at its creation, blank. */
  readonly write: (before: StoredObjects[K], call: ApiCall) => StoredObjects[K];
  readonly created: Transition | null;
  readonly updated: Transition;
};

export function get(path: string, run: Endpoint["run"]): Endpoint {
  return { method: "GET", path, run };
}

export function post(path: string, run: Endpoint["run"]): Endpoint {
  return { method: "POST", path, run };
}

/** The endpoints that retrieve one object by id, and list objects by the filters of their schema. */
export function readable(kind: StoredKind, path: string): Endpoint[] {
  return [get(path, listObjects(kind)), get(`${path}/:id`, (call) => retrieve(call, kind))];
}

/** Creates and updates. */
export function writable<K extends StoredKind>(kind: K, path: string, resource: Written<K>): Endpoint[] {
  const { blank, write, created, updated } = resource;
  return [
    post(path, (call) => {
      const object = call.unit.save(write(blank(call), call));
      if (created !== null) call.unit.fire(created, [object]);
      return object;
    }),
    post(`${path}/:id`, (call) => {
      const object = call.unit.save(write(retrieve(call, kind), call));
      call.unit.fire(updated, [object]);
      return object;
    }),
  ];
}

/** The object that the path names, or Stripe's 404. */
export function retrieve<K extends StoredKind>({ id, unit }: ApiCall, kind: K): StoredObjects[K] {
  const { noun, param } = namesOf(kind);
  const object = unit.find(kind, id);
  if (object === undefined) throw missing(noun, id, param, 404);
  return object;
}
