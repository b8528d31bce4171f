/** I7 can be seen to fail, in each of the things that it says. */
import { describe, expect, it } from "vitest";
import {
  addCharge,
  addPayment,
  answer,
  changeCall,
  changePayment,
  changeRefund,
  type Damage,
  decline,
  withAttempt,
  withState,
} from "./damages.ts";
import { checkRun } from "./invariants.ts";
import type { RunRecord } from "./records.ts";
import {
  doorbellOfBooks,
  ownPlace,
  placeOfBooks,
  placeOfSeller,
  placeOfToys,
  sampleRings,
  tellOf,
} from "./sampleAccounts.ts";
import { charge, payment, refunded, sampleRun, succeeded } from "./sampleRun.ts";

const booksOwn = { merchant: "books", stripeAccount: null };
const toysOwn = { merchant: "toys", stripeAccount: null };
const doorbellOfNobody = `sign_1${Buffer.from([...Array<number>(27).fill(8), 17]).toString("base64url")}`;
const doorbell = (restate_callback_id: string) => ({ metadata: { restate_callback_id } });

/** Each with what is said of it, so that no other part of the check has seen it instead. */
const damages: Readonly<Record<string, readonly (readonly [what: string, damage: Damage, said: RegExp])[]>> = {
  "an object elsewhere": [
    [
      "a payment on another merchant's account",
      (good) => changePayment(good, "of books", { place: placeOfToys }),
      /^pi_of books is of toys on acct_own, and was asked for of books on acct_books/,
    ],
    [
      "a payment on another connected account",
      (good) => changePayment(good, "of a seller", { place: placeOfBooks }),
      /^pi_of a seller is of books on acct_books, and was asked for of books on acct_seller/,
    ],
    [
      "a payment without the mark of its merchant",
      (good) => changePayment(good, "of toys", { place: ownPlace }),
      /^pi_of toys is of default on acct_own, and was asked for of toys on acct_own/,
    ],
    [
      "a payment with the mark of a merchant that it is not of",
      (good) => changePayment(good, "paid", { place: placeOfToys }),
      /^pi_paid is of toys on acct_own, and was asked for of default on acct_own/,
    ],
    [
      "a payment that another merchant's call made",
      (good) => changePayment(good, "of toys", { payment: "paid", place: ownPlace }),
      /^pi_of toys was made by key of toys processPayment, a call of another payment/,
    ],
    [
      "a charge on another account",
      (good) => addCharge(good, charge("of books", { id: "ch_2" })),
      /^ch_2 charges pi_of books, and is on acct_own/,
    ],
    [
      "a refund on another account",
      (good) => changeRefund(good, "of toys", { place: placeOfSeller }),
      /^re_of toys is of books on acct_seller, and was asked for of toys on acct_own/,
    ],
    [
      "a refund without the mark of its merchant",
      (good) => changeRefund(good, "of toys", { place: ownPlace, invocationId: null }),
      /^re_of toys refunds pi_of toys, and is of default on acct_own/,
    ],
  ],
  "an answer with an object of another account": [
    [
      "another merchant's payment",
      (good) => answer(good, "of toys", succeeded("paid")),
      /of toys on acct_own, was told pi_paid, which is of default/,
    ],
    [
      "another merchant's charge",
      (good) => answer(good, "of toys", succeeded("paid")),
      /of toys on acct_own, was told ch_paid, which is of default/,
    ],
    [
      "another connected account's payment",
      (good) => answer(good, "of books", succeeded("of a seller")),
      /was told pi_of a seller, which is of books on acct_seller/,
    ],
    [
      "another merchant's payment in a failure",
      (good) => answer(good, "of books", decline("of toys")),
      /was told pi_of toys, which is of toys/,
    ],
    [
      "another merchant's refund",
      (good) => changeCall(good, "of books", { answer: refunded("of toys", 200) }),
      /was told re_of toys, which is of toys/,
    ],
    [
      "another merchant's payment in a message",
      (good) =>
        answer(addPayment(good, payment("told", { id: "pi_told1", payment: null, place: placeOfToys })), "of books", {
          status: 400,
          body: { message: "See pi_told1." },
        }),
      /was told pi_told1, which is of toys/,
    ],
  ],
  "a doorbell elsewhere": [
    [
      "that of another merchant's call",
      (good) => changePayment(good, "of toys", doorbell(doorbellOfBooks)),
      /^pi_of toys, which is of toys on acct_own, has the doorbell of key of books processPayment/,
    ],
    [
      "that of a later waiter, of another account",
      (good) => changePayment(good, "of a seller", { metadata: { restate_callback_id_12345678: doorbellOfBooks } }),
      /^pi_of a seller, .* has the doorbell of key of books processPayment/,
    ],
    [
      "those of which nobody can tell whose they are",
      (good) => changePayment(good, "of books", doorbell(doorbellOfNobody)),
      /^Of 1 doorbells it is not known whose they are/,
    ],
  ],
  "a call that another's webhook woke": [
    ["nobody's", (good) => withRings(good, { handed: [] }), /only nobody had a webhook/],
    [
      "another merchant's",
      (good) => withRings(good, { handed: sampleRings.handed.filter(({ merchant }) => merchant === "toys") }),
      /^key of books processPayment, a call for books, was woken, and only toys had a webhook/,
    ],
    ["another merchant's, before its own came", (good) => ringAt(good, 16_500), /only toys had a webhook/],
    [
      "its own, for another wait",
      (good) => withRings(good, { rings: sampleRings.rings.map((ring) => ({ ...ring, index: 18 })) }),
      /only nobody had a webhook/,
    ],
  ],
  "a secret or a look of another's": [
    [
      "a webhook that the edge took by another merchant's secret",
      (good) => withAttempt(good, 200, "another merchant's secret"),
      /^The edge took a webhook with the secret of another merchant/,
    ],
    [
      "a payment that is looked at for another merchant",
      (good) => withState(good, "paymentNotifier", "books/own/pi_of toys"),
      /^pi_of toys is of toys on acct_own, and is looked at as of books on acct_books/,
    ],
    [
      "a payment that is looked at for another account",
      (good) => withState(good, "paymentNotifier", "books/acct_seller/pi_of books"),
      /^pi_of books is of books on acct_books, and is looked at as of books on acct_seller/,
    ],
  ],
  "a receiver that is told of another's payment": [
    [
      "another merchant's",
      (good) => tell(good, tellOf("of books", booksOwn, "toys")),
      /^The receiver of toys was told of pi_of books, a payment of books/,
    ],
    [
      "another merchant's, as its own",
      (good) => tell(good, tellOf("paid", toysOwn)),
      /^pi_paid is of default on acct_own, and is looked at as of toys/,
    ],
    [
      "its own, under another account",
      (good) => tell(good, tellOf("of a seller", booksOwn)),
      /^pi_of a seller is of books on acct_seller, and is looked at as of books on acct_books/,
    ],
  ],
};

describe.each(Object.entries(damages))("I7 sees %s", (_what, mine) => {
  it.each(mine)("%s", (_which, damage, said) => {
    const verdict = checkRun(damage(sampleRun())).find(({ name }) => name === "I7");
    const messages = verdict?.violations.map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringMatching(said));
  });
});

it.each<readonly [what: string, damage: Damage]>([
  [
    "a list of undelivered events",
    (good) => withRings(good, { handed: [], lists: [{ stripeAccount: "acct_books", atMs: 19_000 }] }),
  ],
  [
    "a list of undelivered events, whose reader was dead for a while",
    (good) => ({
      ...withRings(good, { handed: [], lists: [{ stripeAccount: "acct_books", atMs: 1000 }] }),
      course: { ...good.course, blows: [{ fromMs: 2000, toMs: 8000 }] },
    }),
  ],
  ["a webhook of its own, by a clock that is late", (good) => ringAt(good, 18_200)],
  [
    "a webhook of its own, while the engine stood still",
    (good) => ({
      ...ringAt(good, 16_500),
      course: { ...good.course, blows: [{ fromMs: 16_000, toMs: 19_000 }] },
    }),
  ],
  [
    "another call",
    (good) => withRings(good, { handed: [], signalled: sampleRings.rings.map((ring) => ring.invocationId) }),
  ],
  [
    "an event of what nobody's call made",
    (good) => withRings(good, { handed: sampleRings.handed.map((one) => ({ ...one, merchant: "toys", maker: null })) }),
  ],
])("I7 lets a call be woken by %s", (_what, damage) => {
  expect(checkRun(damage(sampleRun())).flatMap(({ violations }) => violations)).toEqual([]);
});

function withRings(good: RunRecord, change: Partial<RunRecord["rings"]>): RunRecord {
  return { ...good, rings: { ...good.rings, ...change } };
}

function ringAt(good: RunRecord, atMs: number): RunRecord {
  return withRings(good, { rings: good.rings.rings.map((ring) => ({ ...ring, atMs })) });
}

function tell(good: RunRecord, more: ReturnType<typeof tellOf>): RunRecord {
  return { ...good, told: [...good.told, more] };
}
