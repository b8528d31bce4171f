import { DECLINES, type Decline } from "../../world/declines.ts";
import type { Flow, PaymentMethodType } from "./flow.ts";
import { PAYMENT_METHOD_TYPES } from "./paymentMethodTypes.ts";
import type { Attempt, Scenario, Settlement, VoucherFate } from "./scenario.ts";

const SUCCEEDS: Attempt = { kind: "succeeds" };
const SETTLES_LATER: Attempt = { kind: "processing", settlement: "succeeded", isDelayed: false };
const VISA = { brand: "visa", funding: "credit", country: "US" };
const MASTERCARD = { ...VISA, brand: "mastercard" };
const AMEX = { ...VISA, brand: "amex" };
const DISCOVER = { ...VISA, brand: "discover" };
const DINERS = { ...VISA, brand: "diners" };
const JCB = { ...VISA, brand: "jcb", country: "JP" };
const UNIONPAY = { ...VISA, brand: "unionpay", country: "CN" };

const PLAIN = {
  card: VISA,
  authentication: "never",
  attempt: SUCCEEDS,
  voucher: null,
  refund: "succeeds",
  dispute: null,
  bypassesPending: false,
  warnsOfFraud: false,
  attachable: true,
} as const;

function card(name: string, number: string, change: Partial<Scenario> = {}): Scenario {
  return { ...PLAIN, name: `pm_card_${name}`, type: "card", number, ...change };
}

function decliningCard(name: string, number: string, decline: Decline, change: Partial<Scenario> = {}): Scenario {
  return card(name, number, { attempt: { kind: "declined", decline }, attachable: false, ...change });
}

function usBankAccount(name: string, number: string, settlement: Settlement, change: Partial<Scenario> = {}): Scenario {
  const attempt = { kind: "processing", settlement, isDelayed: false } as const;
  return { ...PLAIN, name: `pm_usBankAccount_${name}`, type: "us_bank_account", number, attempt, ...change };
}

function sepaDebit(
  name: string,
  ibans: readonly string[],
  settlement: Settlement,
  change: Partial<Scenario> = {},
): Scenario[] {
  const attempt = { kind: "processing", settlement, isDelayed: name.endsWith("Delayed") } as const;
  return ibans.map((number) => {
    const country = number.slice(0, 2).toLowerCase();
    return { ...PLAIN, name: `pm_sepaDebit_${name}_${country}`, type: "sepa_debit", number, attempt, ...change };
  });
}

/** The customer's email decides. https://docs.stripe.com/payments/boleto/accept-a-payment#test-integration */
const VOUCHER_FATES: readonly (readonly [emailEnd: string, fate: VoucherFate])[] = [
  ["succeed_immediately", { outcome: "succeeded", isDelayed: false }],
  ["expire_immediately", { outcome: "failed", isDelayed: false }],
  ["expire_with_delay", { outcome: "failed", isDelayed: true }],
  ["fill_never", { outcome: "never", isDelayed: false }],
  ["", { outcome: "succeeded", isDelayed: true }],
];

function from(country: string): Pick<Scenario, "card"> {
  return { card: { ...VISA, country } };
}

const THREE_D_SECURE = { authentication: "always" } as const;
const DISPUTED = { dispute: { reason: "fraudulent", isInquiry: false } } as const;
const NOT_RECEIVED = { dispute: { reason: "product_not_received", isInquiry: false } } as const;
const INQUIRED = { dispute: { reason: "fraudulent", isInquiry: true } } as const;
const RETURNED = { dispute: { reason: "debit_not_authorized", isInquiry: false } } as const;

/** Scenarios of a type without numbers: the customer is asked, and then the payment goes as the type's flow says. */
function unnumbered(type: PaymentMethodType, flow: Flow): Scenario[] {
  const asked: Scenario = { ...PLAIN, ...THREE_D_SECURE, name: type, type, number: "" };
  switch (flow.kind) {
    case "immediate":
    case "debit":
      return [];
    case "bank_transfer":
      return [asked];
    case "redirect":
      return [flow.settlesLater ? { ...asked, attempt: SETTLES_LATER } : asked];
    case "voucher":
      return VOUCHER_FATES.map(([emailEnd, voucher]) => ({ ...asked, name: voucherName(type, emailEnd), voucher }));
  }
}

/**
 * The table is the sandbox's whole knowledge of test cards and accounts. https://docs.stripe.com/testing,
 * https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#test-integration
 */
export const SCENARIOS: readonly Scenario[] = [
  card("visa", "4242424242424242"),
  card("visa_debit", "4000056655665556", { card: { ...VISA, funding: "debit" } }),
  card("mastercard", "5555555555554444", { card: MASTERCARD }),
  card("mastercard_debit", "5200828282828210", { card: { ...MASTERCARD, funding: "debit" } }),
  card("mastercard_prepaid", "5105105105105100", { card: { ...MASTERCARD, funding: "prepaid" } }),
  card("amex", "378282246310005", { card: AMEX }),
  card("discover", "6011111111111117", { card: DISCOVER }),
  card("diners", "3056930009020004", { card: DINERS }),
  card("jcb", "3566002020360505", { card: JCB }),
  card("unionpay", "6200000000000005", { card: UNIONPAY }),
  // Stripe has no names for these numbers; the names are ours.
  card("mastercard_2series", "2223003122003222", { card: MASTERCARD }),
  card("amex_other", "371449635398431", { card: AMEX }),
  card("discover_other", "6011000990139424", { card: DISCOVER }),
  card("discover_debit", "6011981111111113", { card: { ...DISCOVER, funding: "debit" } }),
  card("diners_14digits", "36227206271667", { card: DINERS }),
  card("unionpay_debit", "6200000000000047", { card: { ...UNIONPAY, funding: "debit" } }),
  card("unionpay_19digits", "6205500000000000004", { card: UNIONPAY }),
  card("au", "4000000360000006", from("AU")),
  card("br", "4000000760000002", from("BR")),
  card("ca", "4000001240000000", from("CA")),
  card("de", "4000002760000016", from("DE")),
  card("fr", "4000002500000003", from("FR")),
  card("gb", "4000008260000000", from("GB")),
  card("jp", "4000003920000003", from("JP")),
  card("mx", "4000004840008001", from("MX")),
  card("bypassPending", "4000000000000077", { bypassesPending: true }),
  decliningCard("visa_chargeDeclined", "4000000000000002", DECLINES.generic),
  decliningCard("visa_chargeDeclinedInsufficientFunds", "4000000000009995", DECLINES.insufficientFunds),
  decliningCard("visa_chargeDeclinedLostCard", "4000000000009987", DECLINES.lostCard),
  decliningCard("visa_chargeDeclinedStolenCard", "4000000000009979", DECLINES.stolenCard),
  decliningCard("chargeDeclinedExpiredCard", "4000000000000069", DECLINES.expiredCard),
  decliningCard("chargeDeclinedIncorrectCvc", "4000000000000127", DECLINES.incorrectCvc),
  decliningCard("chargeDeclinedProcessingError", "4000000000000119", DECLINES.processingError),
  decliningCard("visa_chargeDeclinedVelocityLimitExceeded", "4000000000006975", DECLINES.velocity),
  decliningCard("chargeCustomerFail", "4000000000000341", DECLINES.generic, { attachable: true }),
  decliningCard("radarBlock", "4100000000000019", DECLINES.blocked),
  card("authenticationRequired", "4000002760003184", { ...THREE_D_SECURE, ...from("DE") }),
  card("authenticationRequiredOnSetup", "4000002500003155", { ...THREE_D_SECURE, ...from("FR") }),
  card("authenticationRequiredSetupForOffSession", "4000003800000446", { authentication: "on_session", ...from("IT") }),
  decliningCard(
    "authenticationRequiredChargeDeclinedInsufficientFunds",
    "4000008260003178",
    DECLINES.insufficientFunds,
    { ...THREE_D_SECURE, ...from("GB") },
  ),
  card("threeDSecure2Required", "4000000000003220", THREE_D_SECURE),
  decliningCard("threeDSecureRequiredChargeDeclined", "4000008400001629", DECLINES.generic, THREE_D_SECURE),
  decliningCard("threeDSecureRequiredProcessingError", "4000008400001280", DECLINES.processingError, THREE_D_SECURE),
  card("threeDSecureOptional", "4000000000003055"),
  card("createDispute", "4000000000000259", DISPUTED),
  card("createDisputeProductNotReceived", "4000000000002685", NOT_RECEIVED),
  card("createDisputeInquiry", "4000000000001976", INQUIRED),
  card("createIssuerFraudRecord", "4000000000005423", { warnsOfFraud: true }),
  card("pendingRefund", "4000000000007726", { refund: "pending" }),
  card("refundFail", "4000000000005126", { refund: "fails_later" }),

  usBankAccount("success", "000123456789", "succeeded"),
  usBankAccount("accountClosed", "000111111113", DECLINES.accountClosed),
  usBankAccount("noAccount", "000111111116", DECLINES.noAccount),
  usBankAccount("insufficientFunds", "000222222227", DECLINES.bankInsufficientFunds),
  usBankAccount("debitNotAuthorized", "000333333335", DECLINES.debitNotAuthorized),
  usBankAccount("invalidCurrency", "000444444440", DECLINES.invalidCurrency),
  usBankAccount("weeklyLimitExceeded", "000777777771", DECLINES.weeklyLimit),
  usBankAccount("dispute", "000555555559", "succeeded", RETURNED),
  usBankAccount("processing", "000000000009", "never"),

  ...sepaDebit("success", ["AT611904300234573201", "DE89370400440532013000"], "succeeded"),
  ...sepaDebit("successDelayed", ["AT321904300235473204", "DE08370400440532013003"], "succeeded"),
  // Stripe's command line tool sends the Italian account to see a Checkout payment fail.
  ...sepaDebit(
    "failed",
    ["AT861904300235473202", "DE62370400440532013001", "IT60X0542811101000000123456"],
    DECLINES.bankRefused,
  ),
  ...sepaDebit("failedDelayed", ["AT051904300235473205", "DE78370400440532013004"], DECLINES.bankRefused),
  ...sepaDebit("disputed", ["AT591904300235473203", "DE35370400440532013002"], "succeeded", RETURNED),
  ...sepaDebit("insufficientFunds", ["AT981904300002222227", "DE65370400440002222227"], DECLINES.bankInsufficientFunds),
  // The German account is ours: Stripe's page shows the Austrian one only.
  ...sepaDebit("exceedsWeeklyVolumeLimit", ["AT981904300000343434", "DE00370400440000343434"], DECLINES.weeklyLimit),

  ...Object.entries(PAYMENT_METHOD_TYPES).flatMap(([type, { flow }]) => unnumbered(type as PaymentMethodType, flow)),
];

/**
 * Accounts of which no PaymentMethod can be made. Stripe's page gives only the code of the first; the other code is
 * ours.
 */
const UNUSABLE_ACCOUNTS: Readonly<Record<string, { readonly code: string; readonly message: string }>> = {
  AT271904300000055555: {
    code: "sepa_debit_bank_not_supported",
    message: "The bank of this IBAN doesn't support SEPA Direct Debit.",
  },
  AT511904300000066666: {
    code: "bank_account_unusable",
    message: "This bank account can't be used. Try another one.",
  },
};

export function whyUnusable(number: string): { readonly code: string; readonly message: string } | undefined {
  return UNUSABLE_ACCOUNTS[compact(number)];
}

function compact(number: string): string {
  return number.replaceAll(/[\s-]/g, "");
}

// Stripe's command line tool writes these names without the brand, or in an older form.
const ALIASES: Readonly<Record<string, string>> = {
  pm_card_chargeDeclined: "pm_card_visa_chargeDeclined",
  pm_card_chargeDeclinedInsufficientFunds: "pm_card_visa_chargeDeclinedInsufficientFunds",
  pm_card_threeDSecureRequired: "pm_card_threeDSecure2Required",
};

const BY_NAME = new Map(SCENARIOS.map((scenario) => [scenario.name, scenario]));
const BY_NUMBER = new Map(SCENARIOS.map((scenario) => [scenario.number, scenario]));

/** Takes `pm_card_…`, its `tok_…` twin, or a redirect method's type. */
export function findScenario(name: string): Scenario | undefined {
  const twin = name.replace(/^tok_/, "pm_card_");
  return BY_NAME.get(ALIASES[twin] ?? twin);
}

/** The scenario of a payment method without a number; the email's part before the @ decides about a voucher. */
export function findUnnumbered(type: PaymentMethodType, email: string | null): Scenario | undefined {
  const [emailEnd = ""] = VOUCHER_FATES.find(([end]) => email?.split("@")[0]?.endsWith(end) ?? end === "") ?? [];
  return BY_NAME.get(voucherName(type, emailEnd)) ?? BY_NAME.get(type);
}

function voucherName(type: PaymentMethodType, emailEnd: string): string {
  return emailEnd === "" ? type : `${type}_${emailEnd}`;
}

export function findScenarioByNumber(number: string): Scenario | undefined {
  return number === "" ? undefined : BY_NUMBER.get(compact(number));
}

/** The cards or accounts that stand for the scenarios of one type. */
export function testNumbersOf(type: PaymentMethodType): readonly Pick<Scenario, "name" | "number">[] {
  return SCENARIOS.filter((scenario) => scenario.type === type && scenario.number !== "");
}
