/** What leaves the sandbox, for who wants to check it: an answer to `METHOD /path/:id`, or the body of a `webhook`. */
export type Sent = { readonly from: string; readonly status: number; readonly body: string };
