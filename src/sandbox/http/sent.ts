/** A message that leaves the sandbox, for checks: an answer to `METHOD /path/:id`, or the body of a `webhook`. */
export type Sent = { readonly from: string; readonly status: number; readonly body: string };
