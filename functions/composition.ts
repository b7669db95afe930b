import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { DefaultAzureCredential, type TokenCredential } from '@azure/identity';
import { Attempts } from '../orchestrations/activities/attempts.ts';
import { createActivities } from '../orchestrations/activities/index.ts';
import { createDeadlineScheduler } from '../orchestrations/deadline/scheduler.ts';
import { type Containers, openContainers } from '../shared/adapters/cosmos/client.ts';
import { createCursorStore } from '../shared/adapters/cosmos/cursor-store.ts';
import { createEventFeed } from '../shared/adapters/cosmos/event-feed.ts';
import { createDriftStore, createEventStore } from '../shared/adapters/cosmos/event-store.ts';
import { createHeartbeatStore } from '../shared/adapters/cosmos/heartbeat-store.ts';
import { createHoldStore } from '../shared/adapters/cosmos/hold-store.ts';
import { createLinkStore } from '../shared/adapters/cosmos/link-store.ts';
import { createRequestStore } from '../shared/adapters/cosmos/request-store.ts';
import { createSessionStore } from '../shared/adapters/cosmos/session-store.ts';
import { createCachedDirectory } from '../shared/adapters/entra/cached-directory.ts';
import { createGraphDirectory } from '../shared/adapters/entra/directory.ts';
import { createSignIn } from '../shared/adapters/entra/sign-in.ts';
import { createTokenVerifier } from '../shared/adapters/entra/tokens.ts';
import { createCommunicationServicesNotifier } from '../shared/adapters/mail/communication-services.ts';
import { createSmtpNotifier } from '../shared/adapters/mail/smtp.ts';
import { readPolicy } from '../shared/adapters/policy-file/read-policy.ts';
import { createTeamsSink } from '../shared/adapters/webhook/teams.ts';
import { createWebhookSink } from '../shared/adapters/webhook/webhook.ts';
import { withCircuitBreaker } from '../shared/circuit-breaker.ts';
import { type Configuration, readConfiguration } from '../shared/configuration.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import { actorIdOf } from '../shared/domain/ids.ts';
import type { Policy } from '../shared/domain/policy.ts';
import { instantOf, millisecondsOf } from '../shared/domain/time.ts';
import { countingFailures, countSaved } from '../shared/metrics.ts';
import type { Clock, Entropy, EventStore, Log, Notifier, Sink } from '../shared/ports.ts';
import { createProviders, createRegistry } from '../shared/providers/index.ts';
import { logSaved } from '../shared/request-log.ts';
import { traceIds } from '../shared/telemetry.ts';
import { inTimeZones } from '../shared/time-zones.ts';
import { createChecks } from './checks.ts';
import { Reporter } from './deadlines.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createPublisher } from './publish.ts';
import { createRateLimit } from './rate-limit.ts';
import type { Service } from './service.ts';
import { startTelemetry } from './telemetry.ts';

/** setTimeout takes no more, and may fire a millisecond early. */
const longestSleep = 2 ** 31 - 1;
/** setTimeout is late by a millisecond or two, and by more where the loop is busy. Milliseconds. */
const timerLateness = 4;

const clock: Clock = {
  now: () => instantOf(Date.now()),
  async sleepUntil(instant, exact) {
    const end = millisecondsOf(instant);
    const margin = exact ? timerLateness : 0;
    for (let rest = end - margin - Date.now(); rest > 0; rest = end - margin - Date.now()) {
      await sleep(Math.min(rest, longestSleep), undefined, { ref: false });
    }
    while (Date.now() < end) await turn();
  },
};

const entropy: Entropy = { bytes: (count) => randomBytes(count) };

/** One line of JSON each, for Application Insights and for people with `jq`. */
const log: Log = (level, message, properties) => {
  const line = JSON.stringify({ at: clock.now(), level, message, ...properties, ...traceIds() });
  if (level === 'info') console.log(line);
  else console.error(line);
};

/** Makes everything once. Throws only where a setting is wrong; what can't be reached yet is tried again later. */
export function createService(env: Record<string, string | undefined>): Service {
  const configuration = readConfiguration(env);
  const credential = credentialOf(configuration);
  const containers = openContainers({ ...configuration.cosmos, credential });
  const stores = {
    events: createEventStore(containers.events),
    requests: createRequestStore(containers.requests, (before, after) => {
      countSaved(before, after);
      logSaved(log, after);
    }),
    links: createLinkStore(containers.links, clock),
    holds: createHoldStore(containers.holds),
    drifts: createDriftStore(containers.events),
    sessions: createSessionStore(containers.sessions, clock),
  };
  const policy = policyOf(configuration);
  const directory = inTimeZones(createGraphDirectory({ url: configuration.graphUrl, credential, clock }), () => {
    // While the policy can't be read nobody may ask, but mails about what goes on are written.
    try {
      return policy();
    } catch {
      return { zones: {} };
    }
  });
  const notifier = countingFailures(notifierOf(configuration.mail, credential));
  const { publicUrl, revocation, revocationBatch: batchSize, purgeAfter, alertAddress } = configuration;
  const { resourceManagerUrl } = configuration;
  const options = { credential, clock, batchSize, resourceManagerUrl };
  const providers = Object.fromEntries(
    Object.entries(createProviders(options)).map(([kind, provider]) => [kind, withCircuitBreaker(provider, clock)]),
  );
  const registry = createRegistry(options);
  const reporter = new Reporter(clock);
  const actor = actorIdOf(entropy.bytes(8));
  const heartbeats = createHeartbeatStore(containers.reconciler);
  const heartbeat = createHeartbeat(heartbeats, clock);
  const report = reporter.report.bind(reporter);
  const { holds } = stores;
  const scheduler = createDeadlineScheduler({ clock, holds, heartbeats, providers, actor, report });
  const attempts = new Attempts();
  const outside = { directory, notifier, providers, registry, scheduler, actor, attempts, heartbeat };
  const common = { clock, entropy, log, ...stores, ...outside, alertAddress, publicUrl, revocation };
  return {
    ...common,
    purgeAfter,
    activities: createActivities(common),
    reporter,
    recentDirectory: createCachedDirectory(directory, clock),
    limitCaller: createRateLimit(clock, configuration.callsPerMinute),
    limitLink: createRateLimit(clock, callsOnLink),
    tokenIssuer: configuration.token.issuer,
    verifyToken: createTokenVerifier({ ...configuration.token, clock }),
    signIn: createSignIn({ ...configuration.token, clientId: configuration.token.audience, credential, entropy }),
    policy,
    publish: publisherOf(sinksOf(configuration, stores.events), containers),
    startTelemetry: () =>
      startTelemetry(configuration.telemetry, credential, { clock, log, ...stores, lastSuccess: heartbeat.last }),
    ...createChecks({ ...common, policy }),
  };
}

/** Whoever `@azure/identity` finds here: a managed identity in Azure. */
export function credentialOf({ authorityHost }: Configuration): TokenCredential {
  if (authorityHost === undefined) return new DefaultAzureCredential();
  return new DefaultAzureCredential({ authorityHost, disableInstanceDiscovery: true });
}

/** A person opens a link a few times; a mail program, its scanner and a browser's preview a few times more. A minute. */
const callsOnLink = 60;

function notifierOf({ endpoint, smtpUrl, from }: Configuration['mail'], credential: TokenCredential): Notifier {
  if (endpoint !== undefined) return createCommunicationServicesNotifier({ endpoint, from, credential, clock });
  if (smtpUrl !== undefined) return createSmtpNotifier({ url: smtpUrl, from });
  throw new CurfewError('CURFEW_CONFIGURATION_INVALID');
}

function sinksOf({ webhook, teamsUrl, publicUrl }: Configuration, events: EventStore): Sink[] {
  const source = `${publicUrl}/api/requests`;
  return [
    ...(webhook ? [createWebhookSink({ ...webhook, source, clock })] : []),
    ...(teamsUrl === undefined ? [] : [createTeamsSink({ url: teamsUrl, events })]),
  ];
}

function publisherOf(sinks: readonly Sink[], { events, reconciler }: Containers): Service['publish'] {
  if (sinks.length === 0) return undefined;
  const [feed, cursors] = [createEventFeed(events), createCursorStore(reconciler)];
  return createPublisher({ clock, log, feed, cursors, sinks });
}

/** The policy as it stands in the file at start. While it can't be read, whoever asks for it gets the reason. */
function policyOf({ policyFile }: Configuration): () => Policy {
  try {
    const policy = readPolicy(readFileSync(policyFile, 'utf8'), policyFile);
    return () => policy;
  } catch (error) {
    const cause =
      error instanceof CurfewError
        ? error
        : new CurfewError('CURFEW_POLICY_INVALID', { detail: 'The policy file cannot be opened.' });
    log('error', cause.message);
    return () => {
      // Where the file is and what stands in it is the engineer's business, not the caller's.
      throw new CurfewError('CURFEW_POLICY_INVALID', { cause, remedy: { kind: 'read-log' } });
    };
  }
}
