/** The checks in their order. Each looks, and hands what it saw to a pure judgement. */
import { loopbackHosts } from "../../config/settings.ts";
import { connectionTo } from "../../engine/address.ts";
import { defaultMerchant } from "../../merchants/rules.ts";
import { EngineAdminError } from "../engine/adminApi.ts";
import { fileLimitBehind } from "../engine/openFiles.ts";
import { inspectStripe, pinnedApiVersion } from "../../stripe/inspection.ts";
import { isRestricted, probePermissions } from "../../stripe/permissions.ts";
import { webhookEventTypes } from "../../webhooks/eventTable.ts";
import { judgeDeliveries } from "./findings/deliveries.ts";
import { judgeDeployments, judgeReceiver } from "./findings/deployments.ts";
import { judgeEdge } from "./findings/edge.ts";
import { judgeEndpoints } from "./findings/endpoints.ts";
import { examineEngine } from "./findings/engine.ts";
import { seeDeployments, seeHandlersInUse, seeInvocations, seeReconciler, seeRefusals } from "./engineProbe.ts";
import { warning, wrong, type Finding } from "./findings/finding.ts";
import { judgeInvocations } from "./findings/invocations.ts";
import { judgeOpenFiles } from "./findings/openFiles.ts";
import type { Patient, PatientMerchant } from "./patient.ts";
import { judgePermissions } from "./findings/permissions.ts";
import { judgeReconciler } from "./findings/reconciler.ts";
import { askEdge, askUnsigned, tryWebhookPath } from "./serviceProbe.ts";
import { judgeSignatures } from "./findings/signatures.ts";
import { judgeClock, judgeKey } from "./findings/stripeKey.ts";
import { judgeWebhookPath } from "./findings/webhookPath.ts";

type Check = (patient: Patient) => Promise<readonly Finding[]>;

/** A merchant, as the environment's one or as the file has it. */
type MerchantCheck = (patient: Patient, merchant: ExaminedMerchant) => Promise<readonly Finding[]>;

type ExaminedMerchant = Pick<PatientMerchant, "id" | "stripe" | "isTold">;

/** The chain from the engine to the service; they need an engine that answers. */
const engineChecks: readonly Check[] = [examineOpenFiles, examineService];
/** They need a key that Stripe takes. */
const stripeChecks: readonly MerchantCheck[] = [examinePermissions, examineEndpoints, examineDeliveries];

export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const engine = await examineEngine(patient);
  const isEngineUp = engine.verdict !== "wrong";
  const findings: Finding[] = [engine];
  if (isEngineUp) findings.push(...(await runAll(engineChecks, patient)));
  const { config, stripe, furtherMerchants } = patient;
  const own = { id: defaultMerchant, stripe, isTold: config.notificationReceiver !== null };
  findings.push(...(await examineMerchant(patient, own, isEngineUp)));
  for (const merchant of furtherMerchants) {
    const path = isEngineUp ? await runAll([(one) => examineMerchantPath(one, merchant)], patient) : [];
    findings.push(...[...path, ...(await examineMerchant(patient, merchant, isEngineUp))].map(labelled(merchant.id)));
  }
  if (isEngineUp) findings.push(...(await runAll([examineInvocations], patient)));
  return findings;
}

async function examineMerchant(
  patient: Patient,
  merchant: ExaminedMerchant,
  isEngineUp: boolean,
): Promise<readonly Finding[]> {
  const about =
    (check: MerchantCheck): Check =>
    (one) =>
      check(one, merchant);
  const key = await examineKey(merchant);
  const isKeyTaken = key.every(({ verdict, check }) => verdict !== "wrong" || check === "clock");
  return [
    ...key,
    ...(isKeyTaken ? await runAll(stripeChecks.map(about), patient) : []),
    ...(isEngineUp ? await runAll([about(examineReconciler)], patient) : []),
  ];
}

/** Says of which merchant a finding is, where there are several. */
function labelled(merchant: string): (finding: Finding) => Finding {
  return (finding) => ({
    ...finding,
    check: `${finding.check} of ${merchant}`,
    message: `${merchant}: ${finding.message}`,
  });
}

/** An engine that fails in the middle is a finding, and no reason to leave out the other checks. */
async function runAll(checks: readonly Check[], patient: Patient): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    try {
      findings.push(...(await check(patient)));
    } catch (error) {
      if (!(error instanceof EngineAdminError)) throw error;
      findings.push(wrong("engine", `The engine could not be asked: ${error.message}.`, "Look at the engine's log"));
    }
  }
  return findings;
}

async function examineOpenFiles({ config }: Patient): Promise<readonly Finding[]> {
  if (connectionTo(config.adminUrl).socketPath !== null) return [judgeOpenFiles(fileLimitBehind(null))];
  const { hostname, port, protocol } = new URL(config.adminUrl);
  const isHere = loopbackHosts.includes(hostname);
  return [judgeOpenFiles(isHere ? fileLimitBehind(Number(port || (protocol === "https:" ? 443 : 80))) : null)];
}

/** A webhook is tried only where a service can answer: it would wait in the engine for one that is away. */
async function examineService(patient: Patient): Promise<readonly Finding[]> {
  const findings = await examineDeployments(patient);
  if (findings.some(({ check, verdict }) => check === "deployments" && verdict === "wrong")) return findings;
  return [...findings, ...(await examineWebhookPath(patient))];
}

async function examineDeployments(patient: Patient): Promise<readonly Finding[]> {
  const { config, offer, cli, stripe } = patient;
  const seen = await seeDeployments(patient);
  const localAddress = `http://127.0.0.1:${config.servicePort}`;
  const receiver = config.notificationReceiver;
  const servesPayments = seen.services.find(({ name }) => name === "payments")?.deploymentId;
  const current = seen.deployments.find(({ id }) => id === servesPayments);
  const signatures =
    current === undefined
      ? []
      : [
          judgeSignatures({
            address: current.address,
            unsigned: await askUnsigned(current.address),
            areKeysSet: config.identityKeys.length > 0,
            mode: stripe.mode,
          }),
        ];
  return [
    ...judgeDeployments({ ...seen, offer, localAddress, cli }),
    ...(receiver?.kind === "service" ? judgeReceiver(receiver, seen.services) : []),
    ...(current?.discovery.kind === "unreachable" ? [] : signatures),
  ];
}

async function examineWebhookPath({ config, stripe }: Patient): Promise<readonly Finding[]> {
  const { entryUrl } = config;
  const answers = entryUrl === undefined ? [] : await tryWebhookPath(entryUrl, stripe.webhookSecrets, handlerPath);
  const edge = entryUrl === undefined ? [] : judgeEdge(entryUrl, await askEdge(entryUrl));
  return [judgeWebhookPath(entryUrl, answers, stripe.settings.secrets), ...edge];
}

/** Where Stripe's webhooks come in: at the engine's ingress for all merchants, and at an edge for the default one. */
const handlerPath = "/payments/processWebhook";

/** An edge has an address for each merchant; the ingress has one for all. */
async function examineMerchantPath({ config }: Patient, { id, stripe }: ExaminedMerchant): Promise<readonly Finding[]> {
  const { entryUrl } = config;
  if (entryUrl === undefined) return [];
  const answers = await tryWebhookPath(entryUrl, stripe.webhookSecrets, await furtherPath(id, entryUrl));
  return [judgeWebhookPath(entryUrl, answers, stripe.settings.secrets)];
}

/** Where a further merchant's webhooks come in. */
async function furtherPath(id: string, entryUrl: string | undefined): Promise<string> {
  const isEdge = entryUrl === undefined || (await askEdge(entryUrl)).kind !== "no_edge";
  return isEdge ? pathOf(id) : handlerPath;
}

function pathOf(merchant: string): string {
  return `/webhooks/${merchant}`;
}

async function examineKey({ stripe }: ExaminedMerchant): Promise<readonly Finding[]> {
  const account = await inspectStripe(stripe).account();
  const clock = account.kind === "answered" ? judgeClock(account.answer.clockAheadMs) : [];
  return [judgeKey(stripe, account), ...clock];
}

async function examinePermissions(patient: Patient, { stripe, isTold }: ExaminedMerchant): Promise<readonly Finding[]> {
  if (!isRestricted(stripe.secretKey)) return [];
  return judgePermissions({
    answers: await probePermissions(stripe),
    handlersInUse: await orNothing(seeHandlersInUse(patient), []),
    areNotificationsOn: isTold,
    mode: stripe.mode,
  });
}

async function examineEndpoints({ config }: Patient, { id, stripe }: ExaminedMerchant): Promise<readonly Finding[]> {
  const asked = await inspectStripe(stripe).endpoints();
  if (asked.kind !== "answered") return [notAllowed("webhook endpoint", "Webhook Endpoints", asked.message)];
  const isOwn = id === defaultMerchant;
  return judgeEndpoints({
    endpoints: asked.answer,
    // Which of several addresses is meant can be said of the environment's merchant only.
    webhookUrl: isOwn ? config.webhookUrl : undefined,
    paths: isOwn ? [handlerPath, pathOf(id)] : [await furtherPath(id, config.entryUrl)],
    neededTypes: webhookEventTypes,
    apiVersion: pinnedApiVersion,
    stripe,
  });
}

async function examineDeliveries(patient: Patient, { stripe }: ExaminedMerchant): Promise<readonly Finding[]> {
  const asked = await inspectStripe(stripe).deliveries(webhookEventTypes);
  if (asked.kind !== "answered") return [notAllowed("webhook deliveries", "Events", asked.message)];
  const nowMs = Date.now();
  const refusals = await orNothing(seeRefusals(patient, nowMs), null);
  return judgeDeliveries({ ...asked.answer, refusals, secrets: stripe.settings.secrets, nowMs });
}

async function examineReconciler(patient: Patient, { id }: ExaminedMerchant): Promise<readonly Finding[]> {
  const { reconcileIntervalMs: intervalMs } = patient.config;
  return judgeReconciler({ intervalMs, ...(await seeReconciler(patient, id)), nowMs: Date.now() });
}

async function examineInvocations(patient: Patient): Promise<readonly Finding[]> {
  const nowMs = Date.now();
  const { longWaitMs, cli } = patient;
  return judgeInvocations({ ...(await seeInvocations(patient, nowMs)), longWaitMs, cli, nowMs });
}

/** Payments don't need these permissions, so a key that lacks them is no trouble. */
function notAllowed(check: string, resource: string, message: string): Finding {
  return warning(
    check,
    `Stripe could not be asked about its webhooks: ${message}`,
    `Give the key "${resource}: Read", or run this with a key that has it`,
  );
}

/** Without an engine, Stripe's side can still be looked at. */
async function orNothing<Seen>(seeing: Promise<Seen>, nothing: Seen): Promise<Seen> {
  try {
    return await seeing;
  } catch (error) {
    if (!(error instanceof EngineAdminError)) throw error;
    return nothing;
  }
}
