import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { problem, statusOf } from '../../functions/http/problem.ts';
import { duration } from '../../functions/http/read.ts';
import { accessRequest, problemDetails, requestId as requestIdShape, role } from '../../functions/http/shapes.ts';
import { viewRequest, viewRole } from '../../functions/http/view.ts';
import { describeApi, version } from '../../functions/openapi/document.ts';
import { operations } from '../../functions/openapi/operations.ts';
import { listQuery } from '../../functions/requests.ts';
import { routes } from '../../functions/routes.ts';
import { apiStateNames } from '../../shared/domain/api-states.ts';
import { type ErrorCode, errorCodes } from '../../shared/domain/errors.ts';
import { isRequestId } from '../../shared/domain/ids.ts';
import type { Role, Target } from '../../shared/domain/policy.ts';
import { hostile, stories, storyOf } from '../shared/pages/stories.ts';
import { type Described, operationsOf, problemsBy } from '../support/openapi.ts';
import { ada, analysts, demands, policy, requestId } from '../support/samples.ts';

const settings = { publicUrl: 'https://curfew.example', tokenIssuer: 'https://issuer.example/v2.0' };
/** As it goes over the wire. */
const asSent = (value: unknown) => JSON.parse(JSON.stringify(value));
const document: Described = asSent(describeApi(routes, settings));
const problemsOf = problemsBy(document);

describe('the document', () => {
  test('is an OpenAPI document', async () => {
    expect(await new Validator().validate(asSent(document))).toEqual({ valid: true });
  });

  test('is of the version that is released', () => {
    expect(version).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
    expect(document.info.version).toBe(version);
  });

  test('names where this Curfew is, and whose tokens it takes', () => {
    expect(document.servers).toEqual([{ url: 'https://curfew.example/api' }]);
    expect(document.components.securitySchemes.entra.openIdConnectUrl).toBe(
      'https://issuer.example/v2.0/.well-known/openid-configuration',
    );
  });

  test('has every route and nothing else', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [method.toUpperCase(), path.slice(1), operationId]),
    );
    const served = routes.map(({ method, path, name }) => [method, path, name]);
    expect(new Set(described)).toEqual(new Set(served));
    expect(new Set(Object.keys(operations))).toEqual(new Set(routes.map(({ name }) => name)));
  });

  test('asks for a token and roles where the route does', () => {
    for (const { name, needs } of routes) {
      const operation = operationsOf(document).find(({ operationId }) => operationId === name);
      expect(operation?.security).toEqual(needs === 'nothing' ? [] : [{ entra: [] }]);
      expect(operation?.['x-required-roles']).toEqual(typeof needs === 'string' ? undefined : needs);
      expect('401' in (operation?.responses ?? {})).toBe(needs !== 'nothing' || /^(postApproval|signOut)$/.test(name));
    }
  });

  test('has a schema for everything that goes over the wire, and no schema that nothing uses', () => {
    const text = JSON.stringify(document);
    for (const name of Object.keys(document.components.schemas)) {
      expect(text).toContain(`"$ref":"#/components/schemas/${name}"`);
    }
    for (const [, ref = ''] of text.matchAll(/"\$ref":"([^"]+)"/g)) expect(() => problemsOf(ref, {})).not.toThrow();
  });

  test('has examples that its schemas take', () => {
    const contents = operationsOf(document).flatMap(({ requestBody, responses }) =>
      [requestBody, ...Object.values(responses)].flatMap((each) => Object.values(each?.content ?? {})),
    );
    const examples = contents.flatMap(({ schema, examples = {} }) =>
      Object.values(examples).map(({ value }) => [schema.$ref ?? '', value] as const),
    );
    expect(examples.length).toBeGreaterThan(15);
    for (const [ref, value] of examples) expect(problemsOf(ref, value), JSON.stringify(value)).toEqual([]);
  });

  test('takes and shows the same states, be Curfew’s own finer', () => {
    const shown = stories.map(([, , request]) => viewRequest(request).state);
    expect(new Set(shown)).toEqual(new Set(apiStateNames));
    expect(viewRequest(storyOf('about to be extended')).state).toBe('granting');
    expect(listQuery.safeParse({ state: apiStateNames.join(',') }).success).toBe(true);
    expect(listQuery.safeParse({ state: 'extending' }).success).toBe(false);
  });

  test('has schemas that notice a property too many, an unknown state, and an instant that is none', () => {
    const view = asSent(viewRequest(storyOf('granted')));
    expect(problemsOf('#/components/schemas/AccessRequest', view)).toEqual([]);
    for (const wrong of [
      { ...view, more: 1 },
      { ...view, state: 'gone' },
      { ...view, deadline: 'soon' },
    ]) {
      expect(problemsOf('#/components/schemas/AccessRequest', wrong)).toHaveLength(1);
    }
  });
});

describe('what is answered has the form that is described', () => {
  const shown = [
    ...stories,
    ...stories.map(([name, state, story]) => [`hostile ${name}`, state, hostile(story)] as const),
  ];

  test.each(shown)('a request that is %s', (_name, _state, request) => {
    const view = asSent(viewRequest(request));
    expect(accessRequest.parse(view)).toEqual(view);
    expect(problemsOf('#/components/schemas/AccessRequest', view)).toEqual([]);
  });

  test('every property that is described is in some story', () => {
    const seen = new Set(shown.flatMap(([, , request]) => Object.keys(asSent(viewRequest(request)))));
    expect(seen).toEqual(new Set(Object.keys(accessRequest.shape)));
  });

  test('a role that is offered', () => {
    const [target] = policy.targets;
    const [sample] = target?.roles ?? [];
    const sterner: Role = {
      ...(sample as Role),
      demands: { ...demands, askingNeeds: ['mfa', 'c1'], tickets: [{ pattern: 'INC-\\d+', example: 'INC-1' }] },
    };
    const view = asSent(viewRole(policy, target as Target, sterner, { requester: ada, groups: [analysts] }));
    expect(role.parse(view)).toEqual(view);
    expect(view).toMatchObject({ authentication: ['mfa', 'c1'], ticketExamples: ['INC-1'] });
  });

  test.each(Object.keys(errorCodes) as ErrorCode[])(
    'the problem %s, alone and with all that may go with it',
    (code) => {
      const request = viewRequest(storyOf('withdrawn'));
      const full = {
        code,
        detail: 'So it is.',
        path: '/reason',
        remedy: { kind: 'try-again-in', seconds: 7 },
        retryAfter: 7,
      } as const;
      for (const { body, status } of [problem({ code }), problem(full, { request })]) {
        const sent = JSON.parse(String(body));
        expect(problemDetails.parse(sent)).toEqual(sent);
        expect([status, sent.status]).toEqual([statusOf[code], statusOf[code]]);
      }
    },
  );
});

describe('the forms that are promised are understood', () => {
  test('durations', () => {
    const { pattern } = (document.components.schemas.Extension as { properties: { duration: { pattern: string } } })
      .properties.duration;
    const promised = new RegExp(pattern, 'u');
    for (const text of ['2h', '90m', '1h30m', '1w2d3h4m5s', 'PT8H', 'P1D', 'P1WT1S', 'PT1H30M']) {
      expect([text, promised.test(text), duration().safeParse(text).success]).toEqual([text, true, true]);
    }
    for (const text of ['', 'P', 'PT', 'P1DT', '2', 'h', '1.5h', 'P1M', '-1h', '1m1h']) {
      expect([text, promised.test(text), duration().safeParse(text).success]).toEqual([text, false, false]);
    }
  });

  test('the ids of requests', () => {
    for (const id of [requestId, `${requestId}0`, requestId.toUpperCase(), requestId.replace(/.$/, 'u'), '']) {
      expect(requestIdShape.safeParse(id).success).toBe(isRequestId(id));
    }
  });
});
