/**
 * Whether the fault rigs (chaos, the model's histories) draw what the service can't do right yet: outages of Stripe that outlast
 * a deadline, cancellations while a call backs off, references that go on after a payment was given up or softly declined.
 */
export const isMended = process.env["MENDED"] === "1";
