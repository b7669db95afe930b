import type { z } from 'zod';
import { type ErrorCode, errorCodes } from '../../shared/domain/errors.ts';
import { statusOf } from '../http/problem.ts';
import { json } from '../http/view.ts';
import type { PublicHandler, Route, Service } from '../service.ts';
import { keyShape } from '../submit.ts';
import { componentSchemas, refTo, schemaOf } from './components.ts';
import { answerHeaders, type Operation, operations } from './operations.ts';

/** Of Curfew: package.json says the same. */
export const version = '0.1.0';

/** Answers with the document, which is made once and at the first call. The routes come late, for this is one of them. */
export function openApi(routes: () => readonly Route[]): PublicHandler {
  let document: object | undefined;
  return async (service) => {
    document ??= describeApi(routes(), service);
    return json(200, document);
  };
}

/** The API as an OpenAPI 3.1 document. It reads no file and depends on no request. */
export function describeApi(
  routes: readonly Route[],
  { publicUrl, tokenIssuer }: Pick<Service, 'publicUrl' | 'tokenIssuer'>,
) {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Curfew',
      version,
      summary: 'Just-in-time access to Azure databases, taken away on the second',
      description: [
        'Callers bring a bearer token of Entra ID. An application role opens an operation where `x-required-roles` names some (one is enough); what comes of the call is the policy’s business.',
        'Refusals are problem details (RFC 9457): match on `code`. Bodies need a Content-Length, what is unknown in a body or in the address of a POST is refused, and answers may gain properties. No answer may be cached.',
      ].join('\n\n'),
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: `${publicUrl}/api` }],
    tags: [
      { name: 'API', description: 'JSON, for portals and scripts' },
      { name: 'Pages', description: 'HTML, for people with a mailed link' },
    ],
    paths: Object.fromEntries(
      [...new Set(routes.map(({ path }) => path))].map((path) => [
        `/${path}`,
        Object.fromEntries(
          routes.filter((route) => route.path === path).map((route) => [route.method.toLowerCase(), describe(route)]),
        ),
      ]),
    ),
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        entra: {
          type: 'openIdConnect',
          openIdConnectUrl: `${tokenIssuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
        },
      },
    },
  };
}

function describe(route: Route) {
  const { name, needs, about } = route;
  const operation: Operation = operations[name];
  return {
    operationId: name,
    tags: [isPage(route) ? 'Pages' : 'API'],
    summary: about,
    description: operation.description,
    security: needs === 'nothing' ? [] : [{ entra: [] }],
    'x-required-roles': typeof needs === 'string' ? undefined : needs,
    parameters: [...pathParameters(route), ...queryParameters(operation), ...headerParameters(operation)],
    requestBody: operation.body && describeBody(operation.body),
    responses: { ...refusals(route, operation), ...answers(route, operation) },
  };
}

function isPage({ refuse }: Route): boolean {
  return refuse !== undefined;
}

const pathSchemas: Record<string, object> = {
  id: refTo('RequestId'),
  token: { type: 'string', pattern: String.raw`^[\w-]{43}$`, description: 'From the mail, and a secret.' },
};

function pathParameters({ path }: Route) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: pathSchemas[name],
  }));
}

function queryParameters({ query }: Operation) {
  if (!query) return [];
  const { properties = {}, required = [] } = schemaOf(query);
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as z.core.JSONSchema.BaseSchema;
    return { name, in: 'query', required: required.includes(name), description, schema };
  });
}

const headerSchemas = {
  'Idempotency-Key': {
    description: 'Makes a repeated call harmless: the caller’s same key with the same body names the same request.',
    schema: schemaOf(keyShape),
  },
  'If-None-Match': { description: 'The ETag of the last answer.', schema: { type: 'string', examples: ['"3"'] } },
};

function headerParameters({ headers = [] }: Operation) {
  return headers.map((name) => ({ name, in: 'header', required: false, ...headerSchemas[name] }));
}

function describeBody({ schema, isForm, isOptional, examples }: NonNullable<Operation['body']>) {
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  return { required: !isOptional, content: { [type]: { schema: refTo(schema), examples } } };
}

function answers(route: Route, operation: Operation) {
  return Object.fromEntries(
    Object.entries(operation.answers).map(([status, { about, schema, headers = [], examples }]) => {
      const hasPage = isPage(route) && status !== '302';
      const content = schema ? { 'application/json': { schema: refTo(schema), examples } } : hasPage ? html : undefined;
      return [status, { description: about, headers: headersOf(headers), content }];
    }),
  );
}

const html = { 'text/html': { schema: { type: 'string' } } };

function headersOf(names: readonly (keyof typeof answerHeaders)[]) {
  if (names.length === 0) return undefined;
  return Object.fromEntries(
    names.map((name) => [name, { description: answerHeaders[name], required: true, schema: { type: 'string' } }]),
  );
}

/** A response for each status, which lists the codes that this operation gives with it. */
function refusals(route: Route, operation: Operation) {
  const codes = codesOf(route, operation);
  return Object.fromEntries(
    [...new Set(codes.map((code) => statusOf[code]))].map((status) => [
      status,
      {
        description: codes
          .filter((code) => statusOf[code] === status)
          .map((code) => `- \`${code}\`: ${errorCodes[code][1]}`)
          .join('\n'),
        headers: isPage(route) ? undefined : refusalHeaders[status],
        content: isPage(route)
          ? html
          : { 'application/problem+json': { schema: refTo('Problem'), examples: operation.refused?.[status] } },
      },
    ]),
  );
}

const retryAfter = {
  'Retry-After': { description: 'Seconds.', required: true, schema: { type: 'integer', minimum: 1 } },
};
const refusalHeaders: Record<number, object> = {
  401: { 'WWW-Authenticate': { required: true, schema: { const: 'Bearer' } } },
  429: retryAfter,
  503: retryAfter,
};

/** What every route of this kind may refuse with, and what this one does. */
function codesOf({ needs, method, path }: Route, { body, query, refusals }: Operation): ErrorCode[] {
  const withToken = ['CURFEW_UNAUTHENTICATED', 'CURFEW_RATE_LIMITED', 'CURFEW_ISSUER_UNAVAILABLE'] as const;
  const withId = ['CURFEW_REQUEST_NOT_FOUND', 'CURFEW_STORE_UNAVAILABLE'] as const;
  const withBody = ['CURFEW_BODY_INVALID', 'CURFEW_BODY_TOO_LARGE', 'CURFEW_TEXT_UNSAFE'] as const;
  const all: ErrorCode[] = [
    ...(needs === 'nothing' ? [] : withToken),
    ...(typeof needs === 'string' ? [] : (['CURFEW_FORBIDDEN'] as const)),
    ...(path.includes('{id}') ? withId : []),
    // What changes something takes no parameter that it doesn't know.
    ...(needs !== 'nothing' && (query || method === 'POST') ? (['CURFEW_PARAMETER_INVALID'] as const) : []),
    ...(body ? withBody : []),
    ...refusals,
    'CURFEW_INTERNAL',
  ];
  return [...new Set(all)];
}
