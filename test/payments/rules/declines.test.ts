import { describe, expect, it } from "vitest";
import { isSoftDecline } from "../../../src/payments/rules/declines.ts";

describe("isSoftDecline", () => {
  it.each([
    // The decline's code, Stripe's advice, and whether the same means may be tried again.
    ["issuer_not_available", null, true],
    ["issuer_not_available", "try_again_later", true],
    ["issuer_not_available", "do_not_try_again", false],
    ["issuer_not_available", "confirm_card_data", false],
    ["processing_error", null, true],
    ["try_again_later", null, true],
    ["reenter_transaction", null, true],
    ["approve_with_id", null, true],
    ["insufficient_funds", "try_again_later", true],
    ["insufficient_funds", null, false],
    ["insufficient_funds", "do_not_try_again", false],
    ["card_velocity_exceeded", "try_again_later", true],
    ["withdrawal_count_limit_exceeded", null, false],
    ["generic_decline", "try_again_later", false],
    ["do_not_honor", "try_again_later", false],
    ["lost_card", null, false],
    ["fraudulent", "try_again_later", false],
    ["expired_card", null, false],
    ["one_that_comes_later", "try_again_later", true],
    ["one_that_comes_later", null, false],
    [null, "try_again_later", true],
    [null, null, false],
  ])("of %s with the advice %s: %s", (declineCode, adviceCode, expected) => {
    expect(isSoftDecline({ stripeCode: "card_declined", declineCode, adviceCode })).toBe(expected);
  });

  it("takes the error's own code where there is no decline code, and a decline without codes for hard", () => {
    expect(isSoftDecline({ stripeCode: "processing_error", declineCode: null, adviceCode: null })).toBe(true);
    expect(isSoftDecline({ stripeCode: "expired_card", declineCode: null, adviceCode: null })).toBe(false);
    expect(isSoftDecline({})).toBe(false);
  });
});
