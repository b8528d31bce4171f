/** Does Stripe take the key, whose is it, and do both clocks agree? */
import type { Asked, SeenAccount } from "../../../stripe/inspection.ts";
import { formatDuration } from "../../../config/duration.ts";
import { ok, warning, wrong, type Finding } from "./finding.ts";
import type { PatientStripe } from "../patient.ts";

const check = "Stripe key";

type Stripe = Pick<PatientStripe, "kind" | "mode" | "apiBase" | "settings">;

export function judgeKey(stripe: Stripe, account: Asked<SeenAccount>): Finding {
  const where = stripe.apiBase === undefined ? "" : ` at ${stripe.apiBase}`;
  switch (account.kind) {
    case "answered":
      if (stripe.kind === "sandbox") return ok(check, `Stripe is the sandbox${where}: no account, no money.`);
      return ok(check, `Stripe takes the key${where}: account ${account.answer.accountId}, ${stripe.mode} mode.`);
    case "refused":
      if (account.problem === "forbidden") {
        return warning(
          check,
          `Stripe knows the key${where} (${stripe.mode} mode), but it may not read its own account. Payments don't need that.`,
          "Give the key read permission for the account, if you want to see here whose it is",
        );
      }
      return wrong(
        check,
        `${account.message} Every call to Stripe pauses its invocation; nothing is lost.`,
        `Put a valid key into ${stripe.settings.key} and restart the service`,
        "Then resume what was paused, see below",
      );
    case "unavailable":
      return wrong(
        check,
        `Stripe could not be asked${where}: ${account.message}`,
        stripe.kind === "sandbox"
          ? "Without STRIPE_SECRET_KEY there is the sandbox of npm start: start it, or set the key (and SANDBOX_PORT or STRIPE_API_BASE where they differ)"
          : "Look at https://status.stripe.com and at this machine's network; calls are retried until Stripe answers",
      );
  }
}

const noticedMs = 60_000;
/** Stripe refuses webhooks' signatures, and we idempotency keys, by their age; five minutes is its own limit. */
const wrongMs = 5 * 60_000;

export function judgeClock(clockAheadMs: number | null): readonly Finding[] {
  if (clockAheadMs === null) return [];
  const skewMs = Math.abs(clockAheadMs);
  if (skewMs <= noticedMs) return [ok("clock", "This machine's clock agrees with Stripe's.")];
  const message = `This machine's clock is ${formatDuration(skewMs)} ${clockAheadMs > 0 ? "ahead of" : "behind"} Stripe's.`;
  const say = skewMs > wrongMs ? wrong : warning;
  return [
    say(
      "clock",
      message,
      "Synchronize it: timedatectl set-ntp true (or your system's way); check the service's machine, too",
    ),
  ];
}
