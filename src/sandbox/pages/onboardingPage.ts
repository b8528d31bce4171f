import { html } from "hono/html";
import type { Stripe } from "stripe";
import { z } from "zod";
import { ControlError, parse } from "../control/controlError.ts";
import { onboard } from "../control/connect.ts";
import type { SandboxApp } from "../http/app.ts";
import { readFields } from "../http/body.ts";
import { redirect } from "../http/replies.ts";
import { findVisit, openLink } from "../objects/accounts/accountLinks.ts";
import type { OnboardingOutcome } from "../objects/accounts/onboarding.ts";
import type { Parts } from "../objects/parts.ts";
import { findToken, writeToken } from "../world/connectTokens.ts";
import { applicationOf } from "../world/platforms.ts";
import { look } from "./act.ts";
import { facts } from "./facts.ts";
import { problemSummary } from "./form.ts";
import { sendPage } from "./page.ts";

/**
 * The page of an Account Link, where the owner of an account tells Stripe about the business. The sandbox asks for nothing:
 * a person or a test chooses what comes of it. https://docs.stripe.com/connect/hosted-onboarding
 */
type Ending = Extract<OnboardingOutcome, "done" | "left" | "more_due" | "pending" | "rejected">;

const ENDINGS: Readonly<Record<Ending, string>> = {
  done: "Give everything: the account may take payments and is paid out",
  more_due: "Give a document that can't be read: more is due, and charges stay off",
  pending: "Give everything, and let Stripe verify it",
  rejected: "Give what makes Stripe reject the account",
  left: "Leave without finishing",
};

const choice = z.object({ outcome: z.enum(["done", "more_due", "pending", "rejected", "left"]) });

export function addOnboardingPage(app: SandboxApp, parts: Parts): void {
  const { store, clock } = parts;
  app.get("/_sandbox/account_link/:token", async (context) => {
    const link = findToken(store, "account_link", context.req.param("token"));
    if (link === null) return await showEnd(404, "There is no such link");
    // A preview that asks only for the head uses nothing up.
    if (context.env.incoming.method === "HEAD") return redirect(link.refreshUrl ?? "/");
    const visit = await store.write(() => openLink(store, link, clock.now()));
    return redirect(visit === null ? (link.refreshUrl ?? "/") : `/_sandbox/onboarding/${visit.token}`);
  });

  app.get("/_sandbox/onboarding/:visit", async (context) => {
    const visit = findVisit(store, context.req.param("visit"), clock.now());
    const account = visit === null ? null : look(parts, "account", visit.account);
    if (visit === null || account === null) return await showEnd(410, "This onboarding has ended");
    return await showChoice(200, account, visit.platform, "");
  });

  app.post("/_sandbox/onboarding/:visit", async (context) => {
    const visit = findVisit(store, context.req.param("visit"), clock.now());
    const account = visit === null ? null : look(parts, "account", visit.account);
    if (visit === null || account === null) return await showEnd(410, "This onboarding has ended");
    try {
      const { outcome } = parse(choice, await readFields(context));
      await onboard(parts, { account: account.id, outcome });
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      return await showChoice(error.status, account, visit.platform, "Choose what comes of the onboarding.");
    }
    await store.write(() => writeToken(store, { ...visit, isUsed: true }));
    return redirect(visit.returnUrl ?? "/");
  });
}

async function showChoice(
  status: number,
  account: Stripe.Account,
  platform: string,
  problem: string,
): Promise<Response> {
  const { name } = applicationOf(platform);
  const { requirements, details_submitted } = account;
  const due = requirements?.currently_due ?? [];
  const content = html`<h1>${details_submitted ? "Update your account" : "Set up your account"}</h1>
    <p>
      ${name ?? "A platform"} sends you here to tell Stripe about your business. The sandbox plays it: choose what comes
      of it.
    </p>
    ${facts([
      ["Account", account.id],
      ["Email", account.email ?? "not given"],
      ["Due now", due.length === 0 ? "nothing" : due.join(", ")],
    ])}
    ${problemSummary(problem === "" ? {} : { "": problem }, "Nothing was sent yet.")}
    <form method="post">
      <fieldset>
        <legend>What comes of it</legend>
        ${Object.entries(ENDINGS).map(
          ([value, text], index) =>
            html`<label
              ><input type="radio" name="outcome" value="${value}" ${index === 0 ? "checked" : ""} /> ${text}</label
            >`,
        )}
      </fieldset>
      <button>Return to ${name ?? "the platform"}</button>
    </form>`;
  return await sendPage(status, { title: "Onboarding", content });
}

async function showEnd(status: number, words: string): Promise<Response> {
  const content = html`<h1>${words}</h1>
    <p>Go back to the platform, which can send you here again.</p>`;
  return await sendPage(status, { title: "Onboarding", content });
}
