/** Which objects a request to Stripe names: by its path, its parameters and its connected account. */
import { kindAt, namedBy, type Reference } from "./resources.ts";

/** A request as it goes over the wire. */
export type WireRequest = {
  readonly method: string;
  readonly path: string;
  /** In Stripe's form encoding. */
  readonly form: string;
};

export type NamedObjects = {
  /** The object that the path names, and whether the path ends there. */
  readonly addressed: { readonly reference: Reference; readonly isWhole: boolean } | null;
  readonly inParameters: readonly { readonly parameter: string; readonly reference: Reference }[];
};

/** The first parts of paths that name no object, but a family of them. */
const families: ReadonlySet<string> = new Set(["billing", "checkout", "identity", "issuing", "radar", "tax"]);

/** Events are told apart by whoever reads them; endpoints are the operator's. */
const unowned: ReadonlySet<string> = new Set(["events", "webhook_endpoints"]);

export function namedObjects({ method, path, form }: WireRequest): NamedObjects {
  const [pathname = "", query = ""] = path.split("?", 2);
  return {
    addressed: addressedBy(pathname),
    inParameters: [...new URLSearchParams(method === "GET" ? query : form)].flatMap(([parameter, value]) => {
      const reference = namedBy(parameter, value);
      return reference === null ? [] : [{ parameter, reference }];
    }),
  };
}

function addressedBy(pathname: string): NamedObjects["addressed"] {
  const [, version = "", ...parts] = pathname.split("/");
  const noun = parts.splice(0, families.has(parts[0] ?? "") ? 2 : 1);
  const [id, ...rest] = parts;
  if (version !== "v1" || id === undefined || id === "search" || unowned.has(noun[0] ?? "")) return null;
  const under = noun.join("/");
  const reference = { kind: kindAt(under), path: `/${version}/${under}/${id}`, id: decodeURIComponent(id) };
  return { reference, isWhole: rest.length === 0 };
}
