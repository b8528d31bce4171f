/** How a request to Stripe says where it comes from: which invocation, which of its steps, which method of the gateway. */
export const invocationHeader = "x-test-invocation";
export const runHeader = "x-test-run";
export const methodHeader = "x-test-method";
