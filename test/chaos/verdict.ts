/** What a check of one invariant came to. */
export type Violation = {
  /** The payment it is about, where it is about one. */
  readonly payment: string | null;
  readonly message: string;
};

export type Verdict = {
  readonly name: string;
  readonly claim: string;
  /** How many things were checked: an invariant that looked at nothing has not held. */
  readonly checked: number;
  readonly violations: readonly Violation[];
};

/** Gathers what a check finds. */
export class Findings {
  readonly #name: string;
  readonly #claim: string;
  readonly #violations: Violation[] = [];
  #checked = 0;

  constructor(name: string, claim: string) {
    this.#name = name;
    this.#claim = claim;
  }

  /** Counts one thing as checked; a message says what is wrong with it. */
  check(payment: string | null, problem: string | null): void {
    this.#checked++;
    if (problem !== null) this.#violations.push({ payment, message: problem });
  }

  verdict(): Verdict {
    return { name: this.#name, claim: this.#claim, checked: this.#checked, violations: this.#violations };
  }
}
