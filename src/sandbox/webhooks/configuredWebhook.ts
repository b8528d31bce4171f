/** Published with the sandbox, so it imports nothing: whoever starts a sandbox needs neither Stripe's types nor Node's. */

/** A webhook endpoint that the sandbox is started with. It gets events of every type. */
export type ConfiguredWebhook = {
  readonly url: string;
  readonly secret: string;
  /** Whether it hears the connected accounts, instead of the platform itself. Default false. */
  readonly connect?: boolean | undefined;
  /** A key of the platform that the endpoint belongs to, `sk_test_account_<name>`. Default: one of the default platform. */
  readonly secretKey?: string | undefined;
};
