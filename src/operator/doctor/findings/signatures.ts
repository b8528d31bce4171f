/** Does the service take requests from others than the engine? */
import type { StripeMode } from "../../../config/config.ts";
import { ok, warning, wrong, type Finding } from "./finding.ts";

const check = "identity keys";

export type SignaturesQuestion = {
  readonly address: string;
  /** What the service says to a request without a signature, from here. */
  readonly unsigned: "refused" | "accepted" | "unreachable";
  /** Whether the settings here name the engine's public keys. */
  readonly areKeysSet: boolean;
  readonly mode: StripeMode;
};

export function judgeSignatures({ address, unsigned, areKeysSet, mode }: SignaturesQuestion): Finding {
  switch (unsigned) {
    case "refused":
      return ok(check, `The service at ${address} answers to its engine only: it refuses what is not signed.`);
    case "unreachable":
      return areKeysSet
        ? ok(check, `The service at ${address} can't be reached from here, and RESTATE_IDENTITY_KEYS is set.`)
        : warning(
            check,
            `The service at ${address} can't be reached from here, so it is not known whether it refuses unsigned requests.`,
            "Set RESTATE_IDENTITY_KEYS where the service runs",
          );
    case "accepted":
      break;
  }
  if (areKeysSet) {
    return wrong(
      check,
      `RESTATE_IDENTITY_KEYS is set here, but the service at ${address} takes unsigned requests: it runs without it.`,
      "Restart the service with RESTATE_IDENTITY_KEYS",
    );
  }
  const everybody = `The service at ${address} takes unsigned requests: whoever reaches its port can call it`;
  if (mode === "test") return ok(check, `${everybody}. With a live key, set RESTATE_IDENTITY_KEYS.`);
  return warning(
    check,
    `${everybody}, with a live key.`,
    "Give the engine an identity key and set RESTATE_IDENTITY_KEYS to its public key: https://docs.restate.dev/services/security",
  );
}
