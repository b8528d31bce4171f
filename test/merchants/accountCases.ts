/** The gateway's requests about connected accounts and transfers, each about a thing of books'. */
import type Stripe from "stripe";
import type { StripeGateway } from "../../src/merchants/gateway.ts";
import { transferParameters } from "../../src/accounts/stripe/transfers.ts";
import { makersMarks } from "../../src/stripe/metadata.ts";

export type Case = {
  /** Makes a thing of books', and gives its id. */
  readonly make: () => Promise<string>;
  readonly unknown: string;
  readonly ask: (stripe: StripeGateway, id: string) => Promise<unknown>;
};

type Platform = { readonly dashboard: Stripe; readonly sandboxUrl: string };

const makerOf = (merchant: string, invocationId = `inv_${merchant}`) => ({
  invocationId,
  installationId: "in_1",
  merchant,
});
const creation = (invocationId: string) => ({ invocationId, installationId: "in_1", fixedAtMs: Date.now() });
const key = () => crypto.randomUUID();
const clientId = "ca_sandbox_platform";

/** An account that can be charged for, and paid to. @param metadata says whose it is; of nobody by default */
export async function connectedAccount(
  { dashboard, sandboxUrl }: Platform,
  metadata: Record<string, string> = {},
): Promise<string> {
  const { id } = await dashboard.accounts.create({ type: "standard", metadata });
  const answer = await fetch(`${sandboxUrl}/_sandbox/onboard`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ account: id, outcome: "done" }),
  });
  if (!answer.ok) throw new Error(`Not onboarded: ${await answer.text()}`);
  return id;
}

/** A charge whose money can be transferred. @param merchant whose it is by its metadata; null for nobody's */
export async function chargeOf({ dashboard }: Platform, merchant: string | null): Promise<string> {
  const { latest_charge: charge } = await dashboard.paymentIntents.create({
    amount: 5000,
    currency: "usd",
    confirm: true,
    payment_method: "pm_card_visa",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    metadata: merchant === null ? {} : makersMarks(makerOf(merchant)),
  });
  if (typeof charge !== "string") throw new Error("The payment has no charge.");
  return charge;
}

export function transfer(stripe: StripeGateway, merchant: string, accountId: string, sourceChargeId: string) {
  const request = { accountId, amount: 100, currency: "usd", sourceChargeId };
  return stripe.createTransfer(stripe.fixRequest(transferParameters(request, makerOf(merchant)), key()));
}

/** @param open gives the platform, which is there once the tests have begun */
export function accountCases(open: () => Platform) {
  const account = () => connectedAccount(open(), makersMarks(makerOf("books")));
  let nobodysCharge = "";
  /** A transfer of books' to an account of nobody's. */
  const transferred = async (): Promise<{ readonly id: string; readonly destination: string }> => {
    const destination = await connectedAccount(open());
    const { id } = await open().dashboard.transfers.create({
      amount: 100,
      currency: "usd",
      destination,
      source_transaction: await chargeOf(open(), "books"),
      metadata: makersMarks(makerOf("books")),
    });
    return { id, destination };
  };
  const reversed = async (): Promise<string> => {
    const { id } = await transferred();
    const reversal = await open().dashboard.transfers.createReversal(id, {
      amount: 9,
      metadata: makersMarks(makerOf("books")),
    });
    return `${id} ${reversal.id}`;
  };

  return {
    listAccounts: {
      make: async () => {
        const invocationId = `inv_${key()}`;
        await connectedAccount(open(), makersMarks(makerOf("books", invocationId)));
        return invocationId;
      },
      unknown: "inv_unknown",
      ask: async (stripe, id) => (await stripe.listAccounts(creation(id), null)).found,
    },
    readAccount: { make: account, unknown: "acct_unknown", ask: (stripe, id) => stripe.readAccount(id) },
    hangAccountDoorbell: {
      make: account,
      unknown: "acct_unknown",
      ask: (stripe, id) => stripe.hangAccountDoorbell(id, "restate_callback_id_1", "sign_1x"),
    },
    createOnboardingLink: {
      make: account,
      unknown: "acct_unknown",
      ask: (stripe, id) =>
        stripe.createOnboardingLink(
          id,
          { returnUrl: "https://shop.example/done", refreshUrl: "https://shop.example/again" },
          crypto.randomUUID(),
        ),
    },
    deauthorize: {
      make: account,
      unknown: "acct_unknown",
      ask: (stripe, id) => stripe.deauthorize(clientId, id),
    },
    createTransfer: {
      make: async () => {
        nobodysCharge = await chargeOf(open(), null);
        return await account();
      },
      unknown: "acct_unknown",
      ask: (stripe, id) => transfer(stripe, "books", id, nobodysCharge),
    },
    listTransfers: {
      make: async () => (await transferred()).destination,
      unknown: "acct_unknown",
      ask: async (stripe, id) => (await stripe.listTransfers(id, creation("inv_books"), null)).found,
    },
    readTransfer: {
      make: async () => (await transferred()).id,
      unknown: "tr_unknown",
      ask: (stripe, id) => stripe.readTransfer(id),
    },
    reverseTransfer: {
      make: async () => (await transferred()).id,
      unknown: "tr_unknown",
      ask: (stripe, id) => stripe.reverseTransfer(stripe.fixRequest({ transferId: id, amount: 9 }, key())),
    },
    listReversals: {
      make: async () => (await reversed()).split(" ")[0] ?? "",
      unknown: "tr_unknown",
      // It throws where there is no transfer.
      ask: (stripe, id) => stripe.listReversals(id, creation("inv_books"), null).catch(String),
    },
    readReversal: {
      make: () => reversed(),
      unknown: "tr_unknown trr_unknown",
      ask: (stripe, ids) => {
        const [transferId = "", reversalId = ""] = ids.split(" ");
        return stripe.readReversal(transferId, reversalId);
      },
    },
  } as const satisfies Readonly<Partial<Record<keyof StripeGateway, Case>>>;
}
