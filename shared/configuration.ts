import { z } from 'zod';
import { CurfewError } from './domain/errors.ts';
import { isSafeText } from './domain/text.ts';

/** What a setting is, for the README and for the refusal of a wrong one. */
interface About {
  readonly description: string;
  readonly example: string;
  /** The value may hold a password: it belongs in Key Vault. */
  readonly secret?: true;
}

const about = z.registry<About>();
const loopback = new Set(['localhost', '127.0.0.1']);

/** An address by https, or by http on this machine; without user, fragment and (but where it `has` one) query. Kept as it is written. */
const address = (has?: 'query') =>
  z.string().superRefine((text, context) => {
    const url = URL.parse(text);
    const problem =
      !url || !['https:', 'http:'].includes(url.protocol)
        ? 'is not an https address'
        : url.protocol === 'http:' && !loopback.has(url.hostname)
          ? 'is an http address, which only localhost and 127.0.0.1 may have'
          : url.username || url.password || url.hash || (url.search && !has)
            ? `has a user, ${has ? '' : 'a query '}or a fragment, which have no place in it`
            : undefined;
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

/** An address that others are made from, by adding a path. */
const baseAddress = () => address().transform((text) => text.replace(/\/+$/, ''));

/** A host of authorities, as `@azure/identity` takes it. The well-known one is the same as none. */
const authorityHost = z.string().transform((text, context) => {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url?.protocol !== 'https:' || url.username || url.password || url.pathname !== '/' || url.search || url.hash) {
    context.addIssue({ code: 'custom', message: 'is not a host, with or without a port, that is reached by https' });
    return z.NEVER;
  }
  return url.host === 'login.microsoftonline.com' ? undefined : url.origin;
});

const smtpUrl = z.string().refine(
  (text) => {
    const url = URL.parse(text);
    return url !== null && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '';
  },
  { error: 'is not an smtp:// or smtps:// address' },
);

const mailAddress = /^[^\s<>@",;]+@[^\s<>@",;]+$/;
const sender = z
  .string()
  .refine((text) => isSafeText(text) && mailAddress.test(/^[^<>"\n\t]+ <(.*)>$/.exec(text)?.[1] ?? text), {
    error: 'is neither an address nor a name with an address',
  });

/** `whsec_` and base64 of 24 to 64 bytes, as Standard Webhooks has them. Two, while one takes the place of the other. */
const signingKeys = z.string().transform((text, context) => {
  const keys = text.split(' ').map((secret) => {
    const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
    return Buffer.from(base64, 'base64');
  });
  if (keys.length <= 2 && keys.every(({ length }) => length >= 24 && length <= 64)) return keys;
  context.addIssue({
    code: 'custom',
    message: 'is not whsec_ with 24 to 64 bytes in base64, or two of these and a space between',
  });
  return z.NEVER;
});

const environment = z.object({
  CURFEW_PUBLIC_URL: baseAddress().register(about, {
    description: 'Where people reach Curfew: the base of the links in its mails.',
    example: 'https://curfew.contoso.example',
  }),
  CURFEW_POLICY_FILE: z.string().register(about, {
    description: 'The path of the policy file.',
    example: 'policy.yaml',
  }),
  CURFEW_TOKEN_ISSUER: address().register(about, {
    description: 'The `iss` of the v2.0 tokens that callers bring. Its discovery document names the keys.',
    example: 'https://login.microsoftonline.com/72f988bf-0000-4000-8000-0c0ffee00001/v2.0',
  }),
  CURFEW_TOKEN_AUDIENCE: z.string().register(about, {
    description: 'The `aud` of those tokens: the client id of Curfew’s app registration.',
    example: 'c0000000-0000-4000-8000-000000000001',
  }),
  CURFEW_TOKEN_ISSUER_V1: address().optional().register(about, {
    description: 'The `iss` of v1.0 tokens, which are refused where it is left out. The keys are the same.',
    example: 'https://sts.windows.net/72f988bf-0000-4000-8000-0c0ffee00001/',
  }),
  CURFEW_TOKEN_AUDIENCE_V1: z.string().optional().register(about, {
    description: 'The `aud` of v1.0 tokens: the App ID URI of Curfew’s app registration.',
    example: 'api://curfew',
  }),
  CURFEW_TENANT_ID: z.guid({ error: 'is not a GUID' }).toLowerCase().register(about, {
    description: 'The id of the tenant in Entra ID whose people may ask.',
    example: '72f988bf-0000-4000-8000-0c0ffee00001',
  }),
  CURFEW_GRAPH_URL: baseAddress().prefault('https://graph.microsoft.com/v1.0').register(about, {
    description: 'Microsoft Graph, for people and groups.',
    example: 'https://graph.microsoft.com/v1.0',
  }),
  CURFEW_AUTHORITY_HOST: authorityHost.optional().register(about, {
    description:
      'The host where Curfew gets its own tokens: login.microsoftonline.com where it is left out. Another one is trusted without instance discovery.',
    example: 'login.microsoftonline.us',
  }),
  CURFEW_RESOURCE_MANAGER_URL: baseAddress().prefault('https://management.azure.com').register(about, {
    description: 'Azure Resource Manager, which knows whether a target was deleted.',
    example: 'https://management.azure.com',
  }),
  CURFEW_COSMOS_ENDPOINT: baseAddress().register(about, {
    description: 'The Cosmos DB account that holds the events.',
    example: 'https://curfew.documents.azure.com',
  }),
  CURFEW_COSMOS_DATABASE: z
    .string()
    .regex(/^[^/\\?#]{1,255}$/, { error: 'is not a name that a database can have' })
    .prefault('curfew')
    .register(about, { description: 'The database in that account.', example: 'curfew' }),
  CURFEW_MAIL_ENDPOINT: baseAddress().optional().register(about, {
    description:
      'Azure Communication Services, which send the mails, by Curfew’s own identity. Or else `CURFEW_SMTP_URL`.',
    example: 'https://curfew.europe.communication.azure.com',
  }),
  CURFEW_SMTP_URL: smtpUrl.optional().register(about, {
    description: 'A mail server in their place, with user and password where it wants them.',
    example: 'smtps://user:password@smtp.contoso.example',
    secret: true,
  }),
  CURFEW_MAIL_FROM: sender.register(about, {
    description: 'Whom the mails are from: an address, or a name and an address.',
    example: 'Curfew <curfew@contoso.example>',
  }),
  CURFEW_DEADLINE_SCHEDULER: z.enum(['on', 'off'], { error: 'is neither on nor off' }).prefault('on').register(about, {
    description: 'Whether access is revoked at the exact instant. `off` leaves it to the durable timers alone.',
    example: 'on',
  }),
  CURFEW_REVOCATION_BATCH: z
    .string()
    .regex(/^([1-9]\d{0,2}|1000)$/, { error: 'is not a whole number from 1 to 1000' })
    .transform(Number)
    .prefault('1000')
    .register(about, {
      description:
        'So many accesses that end together in one database are taken away in one transaction. More are sooner done in all; with fewer the first are sooner done, and locks are held for less long.',
      example: '1000',
    }),
  CURFEW_RETRY_PAUSE: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, { error: 'is not a whole number from 1 to 999' })
    .transform(Number)
    .prefault('60')
    .register(about, {
      description: 'The longest pause between two attempts to take an access away, in seconds.',
      example: '60',
    }),
  CURFEW_PURGE_AFTER: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, { error: 'is not a whole number from 1 to 9999' })
    .transform(Number)
    .prefault('30')
    .register(about, {
      description:
        'So many days after a request was made, its orchestration is deleted from the task hub if it has ended. Its events stay.',
      example: '30',
    }),
  CURFEW_ALERT_ADDRESS: z.email({ error: 'is not a mail address' }).optional().register(about, {
    description:
      'Who is told, beside the requester and the approvers, of an access that stands though it should have ended.',
    example: 'on-call@contoso.example',
  }),
  CURFEW_WEBHOOK_URL: address().optional().register(about, {
    description:
      'Where every event is sent as a CloudEvent, signed with `CURFEW_WEBHOOK_SECRET`: see docs/webhooks.md.',
    example: 'https://siem.contoso.example/curfew',
  }),
  CURFEW_WEBHOOK_SECRET: signingKeys.optional().register(about, {
    description:
      'What they are signed with: `whsec_…`, or two of these with a space between while one is being changed.',
    example: 'whsec_bm90IGEgc2VjcmV0OiBhbiBleGFtcGxlIG9mIDM2IGJ5dGVz',
    secret: true,
  }),
  CURFEW_TEAMS_URL: address('query').optional().register(about, {
    description:
      'A workflow’s address, by which cards are posted into a channel of Teams. Whoever has it can post there.',
    example: 'https://prod-00.westeurope.logic.azure.com/workflows/0/triggers/manual/paths/invoke?sig=not-a-secret',
    secret: true,
  }),
  CURFEW_CALLS_PER_MINUTE: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, { error: 'is not a whole number from 1 to 999999' })
    .transform(Number)
    .prefault('600')
    .register(about, {
      description: 'How many calls one caller may make in a minute, on each instance.',
      example: '600',
    }),
  APPLICATIONINSIGHTS_CONNECTION_STRING: z
    .string()
    .regex(/^(?=.*\bInstrumentationKey=[\da-f-]{36}\b)[\x20-\x7e]+$/i, { error: 'is not a connection string' })
    .optional()
    .register(about, {
      description:
        'Where traces and metrics go in Azure Monitor, with Curfew’s own identity. Nothing is sent where it is left out.',
      example:
        'InstrumentationKey=1f000000-0000-4000-8000-000000000001;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/',
    }),
  OTEL_EXPORTER_OTLP_ENDPOINT: baseAddress().optional().register(about, {
    description: 'Where they go instead: an OTLP collector. The other settings of OpenTelemetry go with it.',
    example: 'http://localhost:4318',
  }),
});

type Name = keyof typeof environment.shape;

/** What a check says of a setting. It is said wherever the settings that it reads are sound, so that everything is said at once. */
const saying = (name: Name, error: string, ...reads: Name[]) => ({
  path: [name],
  error,
  when: ({ issues }: z.core.ParsePayload) =>
    issues.every(({ path }) => [name, ...reads].every((read) => read !== path?.[0])),
});
type Check = [(env: z.output<typeof environment>) => boolean, ReturnType<typeof saying>];
/** The first has to be there where the second is. */
const needs = (name: Name, other: Name): Check => [
  (env) => env[name] !== undefined || env[other] === undefined,
  saying(name, `goes with ${other}`, other),
];
/** The second has no place where the first is. */
const excludes = (name: Name, other: Name): Check => [
  (env) => env[name] === undefined || env[other] === undefined,
  saying(other, `does not go with ${name}`, name),
];
const anotherTenant = 'names another tenant than CURFEW_TENANT_ID';

const configuration = environment
  .refine(
    (env) => isOf(env.CURFEW_TENANT_ID, env.CURFEW_TOKEN_ISSUER),
    saying('CURFEW_TOKEN_ISSUER', anotherTenant, 'CURFEW_TENANT_ID'),
  )
  .refine(
    (env) => isOf(env.CURFEW_TENANT_ID, env.CURFEW_TOKEN_ISSUER_V1),
    saying('CURFEW_TOKEN_ISSUER_V1', anotherTenant, 'CURFEW_TENANT_ID'),
  )
  .refine(...needs('CURFEW_TOKEN_ISSUER_V1', 'CURFEW_TOKEN_AUDIENCE_V1'))
  .refine(...needs('CURFEW_TOKEN_AUDIENCE_V1', 'CURFEW_TOKEN_ISSUER_V1'))
  .refine(
    (env) => env.CURFEW_MAIL_ENDPOINT !== undefined || env.CURFEW_SMTP_URL !== undefined,
    saying('CURFEW_MAIL_ENDPOINT', 'is missing, and so is CURFEW_SMTP_URL', 'CURFEW_SMTP_URL'),
  )
  .refine(...excludes('CURFEW_MAIL_ENDPOINT', 'CURFEW_SMTP_URL'))
  .refine(...needs('CURFEW_WEBHOOK_URL', 'CURFEW_WEBHOOK_SECRET'))
  .refine(...needs('CURFEW_WEBHOOK_SECRET', 'CURFEW_WEBHOOK_URL'))
  .refine(...excludes('APPLICATIONINSIGHTS_CONNECTION_STRING', 'OTEL_EXPORTER_OTLP_ENDPOINT'))
  .transform((env) => ({
    publicUrl: env.CURFEW_PUBLIC_URL,
    policyFile: env.CURFEW_POLICY_FILE,
    token: {
      issuer: env.CURFEW_TOKEN_ISSUER,
      audience: env.CURFEW_TOKEN_AUDIENCE,
      v1:
        env.CURFEW_TOKEN_ISSUER_V1 === undefined || env.CURFEW_TOKEN_AUDIENCE_V1 === undefined
          ? undefined
          : { issuer: env.CURFEW_TOKEN_ISSUER_V1, audience: env.CURFEW_TOKEN_AUDIENCE_V1 },
      tenantId: env.CURFEW_TENANT_ID,
    },
    graphUrl: env.CURFEW_GRAPH_URL,
    /** Undefined for the well-known host. Instance discovery knows no other, so that it has to be off for this one. */
    authorityHost: env.CURFEW_AUTHORITY_HOST,
    resourceManagerUrl: env.CURFEW_RESOURCE_MANAGER_URL,
    cosmos: { endpoint: env.CURFEW_COSMOS_ENDPOINT, database: env.CURFEW_COSMOS_DATABASE },
    /** One of the two is there. */
    mail: { endpoint: env.CURFEW_MAIL_ENDPOINT, smtpUrl: env.CURFEW_SMTP_URL, from: env.CURFEW_MAIL_FROM },
    revocation: { isScheduled: env.CURFEW_DEADLINE_SCHEDULER === 'on', longestPause: env.CURFEW_RETRY_PAUSE * 1000 },
    revocationBatch: env.CURFEW_REVOCATION_BATCH,
    purgeAfter: env.CURFEW_PURGE_AFTER * 86_400_000,
    alertAddress: env.CURFEW_ALERT_ADDRESS,
    webhook:
      env.CURFEW_WEBHOOK_URL === undefined || env.CURFEW_WEBHOOK_SECRET === undefined
        ? undefined
        : { url: env.CURFEW_WEBHOOK_URL, keys: env.CURFEW_WEBHOOK_SECRET },
    teamsUrl: env.CURFEW_TEAMS_URL,
    callsPerMinute: env.CURFEW_CALLS_PER_MINUTE,
    telemetry: {
      connectionString: env.APPLICATIONINSIGHTS_CONNECTION_STRING,
      isOtlp: env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
    },
  }));

export type Configuration = Readonly<z.output<typeof configuration>>;

/** Every setting, in the order of the README's table. */
export const settings = Object.entries(environment.shape).map(([name, field]) => {
  const { description = '', example = '', secret = false } = about.get(field) ?? {};
  const fallback = field instanceof z.ZodPrefault ? String(field.def.defaultValue) : undefined;
  return { name, required: !field.safeParse(undefined).success, default: fallback, description, example, secret };
});

/**
 * Reads the settings, where an empty one counts as missing. Throws CURFEW_CONFIGURATION_INVALID with every problem in its
 * detail, one sentence a line. No sentence holds a value: it may be a secret in the wrong place.
 */
export function readConfiguration(env: Readonly<Record<string, string | undefined>>): Configuration {
  const given = Object.fromEntries(settings.map(({ name }) => [name, env[name]?.trim() || undefined]));
  const parsed = configuration.safeParse(given);
  if (parsed.success) return parsed.data;
  const sentences = parsed.error.issues.map(({ path, code, message }) => {
    const setting = settings.find(({ name }) => name === path[0]);
    const problem = code === 'invalid_type' ? 'is missing' : message;
    return `${setting?.name} ${problem}; write for example ${setting?.example} (${setting?.description})`;
  });
  throw new CurfewError('CURFEW_CONFIGURATION_INVALID', {
    detail: sentences.join('\n'),
    remedy: { kind: 'correct-settings' },
  });
}

/** An issuer without a tenant in its address is of any. */
function isOf(tenant: string, issuer = ''): boolean {
  const named = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(issuer.toLowerCase())?.[0];
  return [undefined, tenant].includes(named);
}
