import { html } from "hono/html";
import type { Stripe } from "stripe";
import { z } from "zod";
import type { SandboxApp, SandboxContext } from "../http/app.ts";
import { readFields } from "../http/body.ts";
import { parseForm } from "../http/parameters.ts";
import { redirect } from "../http/replies.ts";
import { blankAccount } from "../objects/accounts/accounts.ts";
import { SELF_CONTROLLED } from "../objects/accounts/controllers.ts";
import { currencyOfCountry } from "../objects/accounts/countries.ts";
import { newCode, SCOPE } from "../objects/accounts/oauth.ts";
import { withOutcome } from "../objects/accounts/onboarding.ts";
import { saveAccount } from "../objects/accounts/savedAccounts.ts";
import { newStanding, withStanding } from "../objects/accounts/standing.ts";
import type { Parts } from "../objects/parts.ts";
import { writeToken } from "../world/connectTokens.ts";
import { toUnixSeconds } from "../world/clock.ts";
import { applicationOf, platformOfClientId } from "../world/platforms.ts";
import { type Field, field, problemSummary } from "./form.ts";
import { sendPage } from "./page.ts";

/**
 * The page on which the owner of a Standard account lets a platform act for it, or denies that. The sandbox has no log-in:
 * its visitor chooses the account. https://docs.stripe.com/connect/oauth-reference
 */
const query = z.object({
  client_id: z.string().default(""),
  redirect_uri: z.string().default(""),
  response_type: z.string().default(""),
  // Stripe's default is read_only.
  scope: z.string().default("read_only"),
  state: z.string().optional(),
  stripe_user: z
    .object({ email: z.string().default(""), country: z.string().default("US") })
    .catch({ email: "", country: "US" }),
});
type Query = z.output<typeof query>;

const NEW_ACCOUNT = "new";
const answer = z.object({
  decision: z.enum(["connect", "deny"]),
  account: z.string().default(NEW_ACCOUNT),
  email: z.string().default(""),
  state: z.enum(["done", "left"]).default("done"),
});

const EMAIL: Field = {
  name: "email",
  label: "Email of the new account",
  autocomplete: "email",
  type: "email",
  isOptional: true,
};

export function addOAuthPage(app: SandboxApp, parts: Parts): void {
  app.get("/oauth/authorize", async (context) => {
    const asked = readQuery(context);
    return (await refuse(asked)) ?? (await showConsent(parts, 200, asked, ""));
  });

  app.post("/oauth/authorize", async (context) => {
    const asked = readQuery(context);
    const refused = await refuse(asked);
    if (refused !== null) return refused;
    const said = answer.safeParse(await readFields(context));
    if (!said.success) return await showConsent(parts, 422, asked, "Choose whether to connect the account.");
    if (said.data.decision === "deny") {
      return sendBack(asked, { error: "access_denied", error_description: "The user denied your request" });
    }
    const platform = platformOfClientId(asked.client_id) ?? "";
    const account =
      said.data.account === NEW_ACCOUNT
        ? await openAccount(parts, asked, said.data)
        : choosableAccounts(parts, platform).find(({ id }) => id === said.data.account)?.id;
    if (account === undefined) return await showConsent(parts, 409, asked, "This account can't be connected any more.");
    const code = newCode(account, platform, parts.clock.now());
    await parts.store.write(() => writeToken(parts.store, code));
    return sendBack(asked, { scope: SCOPE, code: code.token });
  });
}

function readQuery({ req }: SandboxContext): Query {
  return query.parse(parseForm(new URL(req.url).search.slice(1)));
}

/** The request's mistakes: the visitor is told of those that leave no address to send him back to, the platform of the others. */
async function refuse(asked: Query): Promise<Response | null> {
  const { client_id, redirect_uri, response_type, scope } = asked;
  if (platformOfClientId(client_id) === null) {
    return await showMistake(`No application matches the client id '${client_id}'.`);
  }
  if (!/^https?:$/.test(URL.parse(redirect_uri)?.protocol ?? "")) {
    return await showMistake(
      `The redirect_uri '${redirect_uri}' is not an http or https address. This sandbox keeps none of its own.`,
    );
  }
  if (response_type !== "code") {
    return sendBack(asked, {
      error: "unsupported_response_type",
      error_description: "Only 'code' is supported as a response_type",
    });
  }
  if (scope === SCOPE) return null;
  const words = `This sandbox serves the scope ${SCOPE} only, and was asked for ${scope}`;
  return sendBack(asked, { error: "invalid_scope", error_description: words });
}

function sendBack({ redirect_uri, state }: Query, said: Readonly<Record<string, string>>): Response {
  const url = new URL(redirect_uri);
  for (const [name, value] of Object.entries({ ...said, ...(state === undefined ? {} : { state }) })) {
    url.searchParams.set(name, value);
  }
  return redirect(url.href);
}

/** A Standard account that belongs to no platform until the code is exchanged. */
async function openAccount(
  { store, ledger, clock, deliveries }: Parts,
  { stripe_user }: Query,
  { email, state }: z.output<typeof answer>,
): Promise<string> {
  const now = toUnixSeconds(clock.now());
  // Stripe ignores what can't be right in what the platform says of its visitor.
  const country = currencyOfCountry(stripe_user.country) === undefined ? "US" : stripe_user.country;
  const blank = blankAccount(now, country, SELF_CONTROLLED);
  const account = withStanding({ ...blank, email: email === "" ? null : email }, newStanding(blank));
  const opened = withOutcome(account, state, now);
  const unit = ledger.begin(opened.id);
  saveAccount({ unit, store }, null, opened);
  await deliveries.dispatch(await ledger.commit(unit));
  return opened.id;
}

/** Standard accounts that are connected to this platform, or to none. */
function choosableAccounts({ store }: Parts, platform: string): readonly Stripe.Account[] {
  return store
    .rows(
      "SELECT body FROM objects WHERE kind = 'account' AND (account = ? OR account = id) ORDER BY seq DESC LIMIT 20",
      platform,
    )
    .map((row) => JSON.parse(String(row["body"])) as Stripe.Account)
    .filter(({ type }) => type === "standard");
}

async function showConsent(parts: Parts, status: number, asked: Query, problem: string): Promise<Response> {
  const platform = platformOfClientId(asked.client_id) ?? "";
  const { name } = applicationOf(platform);
  const values = { email: asked.stripe_user.email };
  const content = html`<h1>Connect your account to ${name}</h1>
    <p>${name} asks to read and write the payments, customers and other data of your account.</p>
    ${problemSummary(problem === "" ? {} : { "": problem }, "Nothing was connected.")}
    <form method="post">
      <fieldset>
        <legend>Account</legend>
        <label><input type="radio" name="account" value="${NEW_ACCOUNT}" checked /> A new account</label>
        ${choosableAccounts(parts, platform).map(
          ({ id, email }) =>
            html`<label
              ><input type="radio" name="account" value="${id}" /> <span>${email ?? "No email"}</span>
              <small>${id}</small></label
            >`,
        )}
      </fieldset>
      ${field(EMAIL, { values, problems: {}, locked: [] })}
      <fieldset>
        <legend>The new account</legend>
        <label><input type="radio" name="state" value="done" checked /> may take payments</label>
        <label><input type="radio" name="state" value="left" /> has told Stripe nothing yet</label>
      </fieldset>
      <button name="decision" value="connect">Connect</button>
      <button name="decision" value="deny" class="secondary">Deny</button>
    </form>`;
  return await sendPage(status, { title: "Connect", content });
}

async function showMistake(words: string): Promise<Response> {
  const content = html`<h1>This address can't be used</h1>
    <p>${words}</p>`;
  return await sendPage(400, { title: "Connect", content });
}
