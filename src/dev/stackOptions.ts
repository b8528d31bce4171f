/** What a stack is started with, and what there is of it then. */
import type { StripeMode } from "../config/config.ts";
import type { Environment } from "../config/settings.ts";
import type { AccountCheck } from "../stripe/account.ts";
import type { PartFailure, PartName } from "./parts.ts";
import type { Registration } from "./registration.ts";

type StackPorts = {
  /** Where callers and Stripe come in. */
  readonly edge: number;
  /** For an ingress that listens on a port of this machine, beside its socket. */
  readonly ingress?: number | undefined;
  readonly admin: number;
  readonly service: number;
  /** Unused with a Stripe key. */
  readonly sandbox: number;
};

export type StripeSource =
  | {
      readonly kind: "sandbox";
      readonly settlementDelayMs?: number;
      readonly webhookRetryDelaysMs?: readonly number[];
      readonly searchLagMs?: number;
    }
  | {
      readonly kind: "account";
      readonly secretKey: string;
      readonly webhookSecrets: readonly string[];
      readonly apiBase: string | undefined;
    };

export type StackOptions = {
  readonly ports: StackPorts;
  /** Holds a folder per Stripe target; a later start goes on with what is in it. */
  readonly dataDir: string;
  readonly stripe: StripeSource;
  /** What the child processes inherit, usually `readEnvironment()`. The stack's own settings win. */
  readonly environment: Environment;
  /** Further settings of the service, for example `{ PAYMENT_POLL_SCHEDULE: "2s" }`. */
  readonly serviceSettings?: Readonly<Record<string, string>>;
  /** The program of the service; `src/bin/app.ts` unless given. */
  readonly serviceEntry?: string;
  /** The program of the edge; `src/bin/edge.ts` unless given. */
  readonly edgeEntry?: string;
  readonly enginePartitions?: number;
  /** Warnings and errors of our own programs, line by line, and that the disk is full. All their output is in the log files, too. */
  readonly onWarning?: (part: PartName, line: string) => void;
  /** Aborting it while the stack starts stops what has been started. */
  readonly signal?: AbortSignal;
};

/** What the payments run against, for the screen. */
export type StackTarget =
  | { readonly kind: "sandbox"; readonly url: string }
  | {
      readonly kind: "account";
      readonly mode: StripeMode;
      readonly account: AccountCheck;
      readonly apiBase: string | undefined;
    };

export type Stack = {
  /** The edge: where callers and Stripe come in. */
  readonly url: string;
  /** `unix:` and the path of the engine's socket, or `http://…` where a port was asked for. */
  readonly ingressUrl: string;
  /** The guard of the engine's admin API, for the CLI and the engine's UI. */
  readonly adminUrl: string;
  readonly serviceUrl: string;
  readonly target: StackTarget;
  /** Those of MERCHANTS_FILE at the start, beside the default one. */
  readonly merchants: readonly string[];
  /** The target's folder: engine data and logs. */
  readonly targetDir: string;
  readonly registration: Registration;
  /** Process ids of the parts that run. */
  readonly pids: Readonly<Partial<Record<PartName, number>>>;
  /** Resolves when a part ends without having been asked to. Stopping is then still the caller's to do. */
  readonly failed: Promise<PartFailure>;
  /** Stops all parts; safe to call more than once. */
  stop(): Promise<void>;
};

/** Nothing is wrong with the program: a person has to decide or change something first. */
export class StartRefusedError extends Error {
  override readonly name = "StartRefusedError";
}

/** The options of a start that is under way; the folder is a full path. */
export type StartingStack = StackOptions & { readonly signal: AbortSignal };
