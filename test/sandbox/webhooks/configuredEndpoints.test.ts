/** The endpoints that a sandbox is started with: one, several, of several platforms, and none any more. */
import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { type ConfiguredWebhook, type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { connectedAccount, until, withFolder, withReceiver, withSandbox } from "../surroundings.ts";

const SHOES = "sk_test_account_shoes";
const NOWHERE = "http://127.0.0.1:9/";

function clientWith(key: string, { host, port, protocol }: Sandbox): Stripe {
  return new Stripe(key, { host, port, protocol, maxNetworkRetries: 0 });
}

/** The endpoints of a platform as its API shows them, oldest first. */
async function endpointsOf(stripe: Stripe): Promise<{ readonly id: string; readonly url: string }[]> {
  return (await stripe.webhookEndpoints.list()).data.toReversed().map(({ id, url }) => ({ id, url }));
}

describe("endpoints named at the start", () => {
  it("hear each its own platform or its connected accounts, signed with its own secret", async () => {
    await withReceiver(async ({ url, received }) => {
      const sorts = ["own", "own_connect", "shoes", "shoes_connect"];
      const webhook = sorts.map((sort) => ({
        url: `${url}/${sort}`,
        secret: `whsec_of_${sort}`,
        ...(sort.endsWith("_connect") ? { connect: true } : {}),
        ...(sort.startsWith("shoes") ? { secretKey: SHOES } : {}),
      }));
      await withSandbox(
        async ({ sandbox, stripe }) => {
          const shoes = clientWith(SHOES, sandbox);
          const expected = new Map<string, string>();
          for (const [name, client] of [
            ["own", stripe],
            ["shoes", shoes],
          ] as const) {
            const account = await connectedAccount({ sandbox, stripe: client });
            expected.set((await client.customers.create()).id, name);
            expected.set((await client.customers.create({}, { stripeAccount: account })).id, `${name}_connect`);
          }
          const heard = await until("four events", () => {
            const events = received.filter(({ event }) => event.type === "customer.created");
            return events.length < 4 ? undefined : events;
          });
          const signers = heard.map(({ body, headers, event }) => {
            const signature = String(headers["stripe-signature"]);
            const signer = sorts.filter((sort) => isSignedWith(`whsec_of_${sort}`, body, signature));
            return [(event.data.object as Stripe.Customer).id, signer.join()] as const;
          });
          expect(new Map(signers)).toEqual(expected);
          expect(signers).toHaveLength(4);
        },
        { webhook },
      );
    });
  });

  it("replace those of the start before, and leave those that the API made", async () => {
    await withFolder(async (dataDir) => {
      const shown = async (webhook: ConfiguredWebhook | readonly ConfiguredWebhook[] | null) => {
        let all: { readonly id: string; readonly url: string }[] = [];
        await withSandbox(
          async ({ sandbox, stripe }) => {
            if (webhook !== null && "url" in webhook)
              await stripe.webhookEndpoints.create({ url: `${NOWHERE}made`, enabled_events: ["*"] });
            all = [...(await endpointsOf(stripe)), ...(await endpointsOf(clientWith(SHOES, sandbox)))];
          },
          { dataDir, webhook },
        );
        return all.map(({ id, url }) => `${id.startsWith("we_configured") ? id : "made"} ${url.slice(NOWHERE.length)}`);
      };
      const secret = "whsec_of_all";
      const first = { url: `${NOWHERE}a`, secret };
      const connect = { url: `${NOWHERE}b`, secret, connect: true };
      const shoes = { url: `${NOWHERE}c`, secret, secretKey: SHOES };
      expect(await shown(first)).toEqual(["we_configured_at_start a", "made made"]);
      const all = await shown([first, { ...first, url: `${NOWHERE}z` }, connect, shoes, { ...shoes, connect: true }]);
      expect(all).toEqual([
        "we_configured_at_start a",
        "made made",
        "we_configured_at_start_2 z",
        "we_configured_at_start_connect b",
        "we_configured_at_start_1Sandboxshoes c",
        "we_configured_at_start_1Sandboxshoes_connect c",
      ]);
      // Those that stay keep their ids, so that no webhook that waits goes to another one's address.
      expect(await shown([shoes, { ...connect, url: `${NOWHERE}d` }])).toEqual([
        "made made",
        "we_configured_at_start_connect d",
        "we_configured_at_start_1Sandboxshoes c",
      ]);
      expect(await shown([])).toEqual(["made made"]);
      expect(await shown([first])).toEqual(["made made", "we_configured_at_start a"]);
      expect(await shown(null)).toEqual(["made made"]);
    });
  });

  it.each(["shoes", "sk_live_shoes", "pk_test_shoes", ""])(
    "are of no platform with the key '%s'",
    async (secretKey) => {
      const webhook = [
        { url: NOWHERE, secret: "whsec_a" },
        { url: NOWHERE, secret: "whsec_b", secretKey },
      ];
      const refused = await startSandbox({ webhook }).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        name: "TypeError",
        message: "webhook[1].secretKey must be a test key, sk_test_account_<name> for the platform <name>.",
      });
    },
  );
});

function isSignedWith(secret: string, body: string, signature: string): boolean {
  try {
    Stripe.webhooks.constructEvent(body, signature, secret);
    return true;
  } catch {
    return false;
  }
}
