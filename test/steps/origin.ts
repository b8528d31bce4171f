/** How a request to Stripe says where it comes from: which invocation, which of its steps, which method of the gateway. */
export const invocationHeader = "x-test-invocation";
export const runHeader = "x-test-run";
export const methodHeader = "x-test-method";

/** How often an invocation was attempted before, by whichever process: the relay counts, and tells the worker. */
export const attemptHeader = "x-test-attempt";

/** The identity of the installation, which the engine is told and most processes know. */
export const installationId = "in_theatre";

/** What edge and service shared before a rotation, or will share after it. */
export const otherEdgeSecret = "another edge secret of the theatre, as long";

/** A merchant beside the default one, with a Stripe account of its own. */
export const otherMerchant = "books";
export const otherMerchantKey = "sk_test_account_books";
export const otherMerchantSecret = "whsec_of_the_books_in_the_theatre";
