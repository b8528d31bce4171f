/** Whose an object is: that of the merchant whose call made it, or else of the object that it belongs to. */
import { makersMerchant } from "../../stripe/metadata.ts";
import { parentsOf, referenceTo, type Reference, type StripeObject } from "./resources.ts";

/** Reads an object; null where there is none. @throws what stands in the way */
type Read = (reference: Reference) => Promise<StripeObject | null>;

/** Of one Stripe account. An owner never changes. */
type Known = { readonly owner: string | null; readonly untilMs: number };

const keptOwners = 10_000;

/** An object that nobody owns may be given to a customer later. */
const nobodysMs = 30_000;

/** The owners of objects; those that were learnt last are kept the longest. */
export class Owners {
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Who owns an object that was just read; null for nobody. */
  async ofObject(object: StripeObject, account: string, read: Read): Promise<string | null> {
    const own = this.note(object, account);
    if (own !== null) return own;
    for (const parent of parentsOf(object)) {
      const owner =
        "object" in parent ? await this.ofObject(parent, account, read) : await this.of(parent, account, read);
      if (owner !== null) return owner;
    }
    return null;
  }

  /** Who owns the object there; null for nobody, or where there is none. */
  async of(reference: Reference, account: string, read: Read): Promise<string | null> {
    const key = keyOf(reference, account);
    const known = this.#known.get(key);
    if (known !== undefined && known.untilMs > this.#now()) return known.owner;
    const object = await read(reference);
    if (object === null) return null;
    const owner = await this.ofObject(object, account, read);
    this.#remember(key, owner);
    return owner;
  }

  /** Remembers an object's owner, and gives it, where it is written on it. */
  note(object: StripeObject, account: string): string | null {
    const { id, metadata } = object;
    const owner =
      typeof metadata === "object" && metadata !== null ? makersMerchant(metadata as Record<string, string>) : null;
    const reference = typeof id === "string" ? referenceTo(object.object, id) : null;
    if (owner !== null && reference !== null) this.#remember(keyOf(reference, account), owner);
    return owner;
  }

  #remember(key: string, owner: string | null): void {
    this.#known.delete(key);
    this.#known.set(key, { owner, untilMs: owner === null ? this.#now() + nobodysMs : Infinity });
    const [oldest] = this.#known.keys();
    if (this.#known.size > keptOwners && oldest !== undefined) this.#known.delete(oldest);
  }
}

function keyOf({ path }: Reference, account: string): string {
  return `${account} ${path}`;
}
