import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownMetadataPrefix } from "../../src/api/fields.ts";
import * as doorbell from "../../src/stripe/metadata.ts";

const { doorbellAddresses, isDoorbellAddress, merchantMetadata, waiterCallbackKey } = doorbell;

/** The form that the engine gives: `sign_1`, then 24 bytes of invocation id and a big-endian index. */
function address(index: number, invocation = new Uint8Array(24).fill(7)): string {
  const bytes = new Uint8Array(28);
  bytes.set(invocation);
  new DataView(bytes.buffer).setUint32(24, index);
  return `sign_1${bytes.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}

const observed = "sign_1JFCI3Y2GAcJppmQrxx8bC4mVK72EPEA1AAAAEQ";

describe("isDoorbellAddress", () => {
  it("takes an address that the engine gave out", () => {
    expect(isDoorbellAddress(observed)).toBe(true);
  });

  it.each([
    ["the first awakeable", address(17), true],
    ["a later awakeable", address(90_000), true],
    ["the signal that cancels the invocation", address(1), false],
    ["the last of the engine's own signals", address(16), false],
    ["index zero", address(0), false],
    ["nothing", "", false],
    ["another prefix", observed.replace("sign_1", "prom_1"), false],
    ["the prefix alone", "sign_1", false],
    ["one character less", observed.slice(0, -1), false],
    ["one character more", `${observed}A`, false],
    ["a foreign character", observed.replace("J", "$"), false],
    ["standard instead of URL-safe base64", observed.replace("J", "+"), false],
    ["padding", `${observed.slice(0, -1)}=`, false],
    ["bits beyond the last byte", `${observed.slice(0, -1)}R`, false],
    ["a line break at the end", `${observed}\n`, false],
    ["space around it", ` ${observed}`, false],
  ])("decides on %s", (_what, text, valid) => {
    expect(isDoorbellAddress(text)).toBe(valid);
  });

  it("takes exactly the indexes of awakeables, for any invocation", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 24 }),
        fc.integer({ min: 0, max: 0xffffffff }),
        (invocation, index) => isDoorbellAddress(address(index, new Uint8Array(invocation))) === index >= 17,
      ),
    );
  });

  it("never throws, whatever the metadata holds", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof isDoorbellAddress(text) === "boolean"));
  });
});

describe("doorbellAddresses", () => {
  it("finds every waiter's address once, and nothing else", () => {
    expect(
      doorbellAddresses({
        restate_callback_id: address(17),
        restate_callback_id_AbCdEfGh: address(18),
        restate_callback_id_IjKlMnOp: address(18),
        restate_callback_id_damaged1: "sign_1oops",
        restate_invocation_id: address(19),
        restate_callback_idea: address(20),
        orderId: address(21),
      }),
    ).toEqual([address(17), address(18)]);
  });

  it("finds nothing in an object that nobody waits for", () => {
    expect(doorbellAddresses({})).toEqual([]);
  });
});

describe("waiterCallbackKey", () => {
  it("is the waiter's own and fits into Stripe's 40 characters", () => {
    const key = waiterCallbackKey("inv_1gEGJanjFJGY1CtWRFSVx6gD9srPwH76LT");
    expect(key).toBe("restate_callback_id_rPwH76LT");
    expect(key.length).toBeLessThanOrEqual(40);
  });
});

it("merchantMetadata leaves out what is ours", () => {
  const metadata = { orderId: "4004", restate_callback_id: "x", restate_later: "y", restated: "z" };
  expect(merchantMetadata(metadata)).toEqual({ orderId: "4004", restated: "z" });
});

it("keeps the names of the metadata that payments under way have at Stripe already", () => {
  const names = Object.values(doorbell).filter((exported) => typeof exported === "string");
  expect(names.every((name) => name.startsWith(ownMetadataPrefix))).toBe(true);
  expect([ownMetadataPrefix, ...names].toSorted()).toEqual([
    "restate_",
    "restate_abandoned_by",
    "restate_accepted_by",
    "restate_callback_id",
    "restate_failure",
    "restate_installation",
    "restate_invocation_id",
    "restate_merchant",
  ]);
});
