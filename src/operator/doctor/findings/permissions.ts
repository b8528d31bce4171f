/** May a restricted key do what the handlers in use need? */
import type { StripeMode } from "../../../config/config.ts";
import type { PermissionAnswer } from "../../../stripe/permissions.ts";
import { ok, warning, wrong, type Finding } from "./finding.ts";

const check = "permissions";

export type PermissionsQuestion = {
  readonly answers: readonly PermissionAnswer[];
  /** Handlers that have been called, as `service/handler`. */
  readonly handlersInUse: readonly string[];
  readonly areNotificationsOn: boolean;
  readonly mode: StripeMode;
};

export function judgePermissions(question: PermissionsQuestion): readonly Finding[] {
  const { answers, mode } = question;
  const of = (answer: PermissionAnswer["answer"]) => answers.filter((probed) => probed.answer === answer);
  const missing = of("missing").map(({ need }) => lack(need, question));
  const unknown = of("unknown").map(({ need }) =>
    warning(
      check,
      `Whether the key may ${need.access} ${need.resource} could not be found out.`,
      `Try again, or see https://dashboard.stripe.com/${mode === "test" ? "test/" : ""}apikeys`,
    ),
  );
  if (missing.length + unknown.length > 0) return [...missing, ...unknown];
  return [ok(check, `The restricted key has all ${answers.length} permissions that the handlers need.`)];
}

/** A whole service in a need stands for each of its handlers. */
function lack(
  { resource, access, neededBy }: PermissionAnswer["need"],
  { handlersInUse, areNotificationsOn, mode }: PermissionsQuestion,
): Finding {
  const used = [...handlersInUse, ...alwaysUsed, ...(areNotificationsOn ? ["paymentNotifier"] : [])];
  const concerned = neededBy.filter((needer) => used.some((user) => user === needer || user.startsWith(`${needer}/`)));
  const isInUse = concerned.length > 0;
  const say = isInUse ? wrong : warning;
  const whose = isInUse
    ? `${listed(concerned)} ${concerned.length === 1 ? "needs" : "need"} it, and will pause`
    : `${listed(neededBy)} would need it; not in use`;
  return say(
    check,
    `The key may not ${access} ${resource}: ${whose}.`,
    `Give it "${resource}: ${access === "read" ? "Read" : "Write"}" at https://dashboard.stripe.com/${mode === "test" ? "test/" : ""}apikeys; what is paused is then resumed as below`,
  );
}

/** What this service is there for. */
const alwaysUsed = ["payments/processPayment"];

function listed(names: readonly string[]): string {
  const [last = "", ...others] = names.toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(", ")} and ${last}`;
}
