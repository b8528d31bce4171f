/**
 * A *trial* is one run of a scenario. A *trace* is what one of its invocations did, step by step, over all attempts. A *point*
 * is where the service dies: before or after one step of one invocation.
 *
 * Many trials share an engine, a sandbox and a service. What belongs to which is told by names: everything that a trial makes
 * carries its token or the id of an object that does.
 */
export type Side = "before" | "after";

/** `role` names the invocation within its trial, such as `payments/processWebhook#2`; `step` the step within that. */
export type Point = { readonly role: string; readonly step: string; readonly side: Side };

type Step = { readonly key: string; readonly what: string; readonly atMs: number };

export type Trace = {
  readonly invocationId: string;
  readonly role: string;
  /** `service/handler`. */
  readonly target: string;
  readonly trial: Trial;
  readonly steps: Step[];
  attempts: number;
  /** At its point: nothing goes in or out any more until the service is dead. */
  frozen: boolean;
};

/** What is to happen just before a request of the service reaches Stripe, once. */
export type Interference = {
  readonly method: string;
  readonly path: RegExp;
  /** Faults of the sandbox for this one request. */
  readonly faults?: readonly string[];
  readonly act?: () => Promise<void>;
};

export type Trial = {
  readonly token: string;
  readonly armed: Point | null;
  readonly startedAtMs: number;
  readonly traces: Trace[];
  readonly interferences: Interference[];
  /** Methods of the Stripe gateway that it made requests with. */
  readonly methods: Set<string>;
  /** How many notifications the merchant's system still refuses. */
  refusals: number;
  hit: boolean;
};

export type Trials = ReturnType<typeof createTrials>;

/** Tokens of trials, and ids as Stripe makes them, but for those that trials have in common; and the keys of objects that are hashes. */
const names =
  /order-[0-9a-f-]{36}|\b(?!pm_|acct_|req_|evt_)[a-z]{2,8}_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{14,}|(?<![\w-])[\w-]{43}(?![\w-])/g;

/** Such a key. It follows from no name that a trial knows, so that the first call of the object tells whose it is. */
const hashedKey = /^[\w-]{43}$/;

export function createTrials() {
  const owners = new Map<string, Trial>();
  const traces = new Map<string, Trace>();

  const ownerOf = (text: string): Trial | undefined => {
    for (const [name] of text.matchAll(names)) {
      const owner = owners.get(name);
      if (owner !== undefined) return owner;
    }
    return undefined;
  };

  function learnObject(object: unknown): void {
    const text = JSON.stringify(object);
    const owner = ownerOf(text);
    if (owner === undefined) return;
    for (const [name] of text.matchAll(names)) if (!owners.has(name)) owners.set(name, owner);
  }

  return {
    begin(armed: Point | null): Trial {
      const token = `order-${crypto.randomUUID()}`;
      const trial: Trial = {
        token,
        armed,
        startedAtMs: performance.now(),
        traces: [],
        interferences: [],
        methods: new Set(),
        refusals: 0,
        hit: false,
      };
      owners.set(token, trial);
      return trial;
    },

    ownerOf,

    /** Learns from what the sandbox sends which ids belong to which trial. */
    learn(body: string): void {
      const parsed = JSON.parse(body) as { readonly object?: string; readonly data?: unknown } | null;
      // A list may show objects of several trials.
      if (Array.isArray(parsed?.data)) for (const item of parsed.data) learnObject(item);
      else learnObject(parsed);
    },

    /** The trace of an invocation that makes an attempt; undefined if it belongs to no trial. */
    attempt(invocation: {
      readonly id: string;
      readonly target: string;
      readonly objectKey: string;
      readonly input: string;
    }): Trace | undefined {
      const known = traces.get(invocation.id);
      if (known !== undefined) {
        known.attempts++;
        return known;
      }
      const { id: invocationId, target, objectKey } = invocation;
      const trial = ownerOf(`${objectKey} ${invocation.input}`);
      if (trial === undefined) return undefined;
      if (hashedKey.test(objectKey)) owners.set(objectKey, trial);
      const earlier = trial.traces.filter((trace) => trace.target === target).length;
      const role = `${target}#${earlier}`;
      const trace: Trace = { invocationId, role, target, trial, steps: [], attempts: 1, frozen: false };
      trial.traces.push(trace);
      traces.set(invocationId, trace);
      // A call that was given up is named to the watcher by its invocation alone.
      owners.set(invocationId, trial);
      return trace;
    },

    traceOf: (invocationId: string): Trace | undefined => traces.get(invocationId),
  };
}

/** Notes that a trace came to a step. A step that is made again by a later attempt is the same step. */
export function note(trace: Trace, key: string, what: string): void {
  if (trace.steps.some((step) => step.key === key)) return;
  trace.steps.push({ key, what, atMs: performance.now() - trace.trial.startedAtMs });
}

/** Whether the service is to die at this side of this step. */
export function isPoint({ trial, role }: Trace, step: string, side: Side): boolean {
  const { armed, hit } = trial;
  return !hit && armed !== null && armed.role === role && armed.step === step && armed.side === side;
}

/** Whether everything that a trial has sent for has come: each send or call that isn't for later begins an invocation. */
export function hasArrived({ traces }: Trial): boolean {
  const sent = traces.flatMap(({ steps }) => steps.map(({ what }) => /^(?:send|call) (\S+)$/.exec(what)?.[1]));
  return sent.every((target) => {
    // The installation belongs to no trial.
    if (target === undefined || target === "installation/identify") return true;
    const begun = traces.filter((trace) => trace.target === target);
    return begun.length >= sent.filter((other) => other === target).length;
  });
}

/** How many steps a trial has come to so far. */
export function stepsOf({ traces }: Trial): number {
  return traces.reduce((sum, { steps }) => sum + steps.length, 0);
}
