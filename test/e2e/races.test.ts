import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csrfIn } from '../../local/browser.ts';
import { seededRandom } from '../../local/functions-host/durable/timers.ts';
import type { StoredMessage } from '../../local/mail/index.ts';
import { tokenFor } from '../../local/people.ts';
import { endedStates, type State } from '../../shared/domain/states.ts';
import { type Answer, type Api, type Shown, startApi, until } from './api-support.ts';
import { type Approver, described, expectTruth, fullNames, type Move, movesBy, type Told } from './support/race.ts';
import { between, pick } from './support/random.ts';

const seed = Number(process.env.CURFEW_RACE_SEED ?? Date.now() % 1_000_000);
const races = 200;
/** How many run at the same time. */
const lanes = 12;

/** The sample policy, without limits, and with a role whose time to answer is over soon and whose link is enough. */
const policy = readFileSync(new URL('../../policy.sample.yaml', import.meta.url), 'utf8')
  .replaceAll(/ +limits: .*\n/g, '')
  .replace(
    '      writer:\n',
    `      hurried:
        description: Read orders, if somebody says so at once
        entitlements:
          - sql-role: orders_reader
        requesters: { groups: [analysts] }
        duration: { default: 1h, maximum: 8h }
        approval:
          sign-in: not-needed
          stages:
            - approvers: { groups: [order-data-owners] }
              time-out: 4s
      writer:
`,
  );

let api: Api;
/** Every mail by the request and the person, in the order of their coming. */
const mails = new Map<string, StoredMessage[]>();
beforeAll(async () => {
  api = await startApi({ policy });
  const collect = (message: StoredMessage) => {
    const key = `${/req-\w+/.exec(message.text)?.[0]} ${message.to[0]}`;
    mails.set(key, [...(mails.get(key) ?? []), message]);
    return false;
  };
  api.mail.waitFor(collect, 600_000).catch(() => {});
  const id = await api.asked('ada');
  for (const who of ['bob', 'carla'] as const) await api.signInAs(who, await linkOf(who, id));
  await api.post('ada', `/requests/${id}/withdraw`);
});
afterAll(() => api.close());

const mailsTo = (who: string, id: string) => mails.get(`${id} ${who}@contoso.example`) ?? [];

/** The newest link of somebody's, once there are so many. */
async function linkOf(who: Approver, id: string, count = 1): Promise<string> {
  const found = await until(
    async () => mailsTo(who, id).flatMap(({ text }) => /http\S+\/approvals\/[\w-]{43}/.exec(text) ?? []),
    ({ length }) => length >= count,
  );
  return found.at(-1) ?? '';
}

/** An approver on the page behind their link. */
async function open(who: Approver, id: string, count?: number) {
  const link = await linkOf(who, id, count);
  const { browser } = await api.signInAs(who, link);
  return { link, browser, csrf: csrfIn(await browser.open(link)) };
}
type Places = { [who in Approver]?: Awaited<ReturnType<typeof open>> };

async function makeMove(id: string, places: Places, move: Move): Promise<Answer> {
  const { kind, who } = move;
  if (kind === 'api') return api.post(who, `/requests/${id}/decision`, { decision: move.decision });
  if (kind === 'withdraw' || kind === 'revoke') return api.post(who, `/requests/${id}/${kind}`);
  const { link, browser, csrf = '' } = places[who] ?? (await open(who, id));
  const init =
    kind === 'look'
      ? { method: move.method }
      : {
          method: 'POST',
          headers: { origin: new URL(link).origin },
          body: new URLSearchParams({ csrf, decision: move.decision }),
        };
  return { ...(await browser.send(link, init)), body: {} as Shown };
}

/** All of them at the same instant, give or take; then what it has come to, and that everybody was told so. */
async function race(id: string, moves: readonly Move[], offsets: readonly number[]): Promise<Shown> {
  const places: Places = {};
  for (const { kind, who } of moves) {
    if ((kind === 'form' || kind === 'look') && !places[who]) places[who] = await open(who, id);
  }
  const { approveBy, role } = await api.shown(id);
  const isHurried = role === 'hurried';
  const begins = isHurried ? Math.max(Date.now(), Date.parse(approveBy) - 100) : Date.now();
  const told = await Promise.all(
    moves.map(async (wanted, index): Promise<Told> => {
      // Where the page came too late, it has no form.
      const isTooLate = wanted.kind === 'form' && places[wanted.who]?.csrf === undefined;
      const move = isTooLate ? ({ kind: 'look', who: wanted.who, method: 'GET' } as const) : wanted;
      await sleep(Math.max(0, begins + (offsets[index] ?? 0) - Date.now()));
      // Before there is anything to end an end is refused at once, and no race: half of them lie in wait.
      if (move.kind === 'revoke' && index % 2 === 1) {
        await until(
          () => api.shown(id),
          ({ state }) => state !== 'waiting-for-approval',
          1_000,
        ).catch(() => {});
      }
      const answer = await makeMove(id, places, move);
      return { ...move, answer, at: Date.now() };
    }),
  );
  const resting: State[] = ['granted', ...endedStates];
  const shown = await api.untilState(id, ...resting, ...(isHurried ? [] : ['waiting-for-approval' as const]));
  const { events } = (await api.call('carla', `/requests/${id}/events`)).body;
  try {
    expectTruth(id, events, shown, told);
  } catch (error) {
    throw new Error([`${id}, to be answered by ${approveBy}`, ...described(events, told)].join('\n'), { cause: error });
  }
  return shown;
}

/** Ends what stands, so that it is in nobody's way. */
async function end(id: string): Promise<void> {
  const { status, body } = await api.post('ada', `/requests/${id}/revoke`);
  expect([status, body.state]).toEqual([200, 'revoked']);
}

/** Whoever reads of a decision reads of the one that was taken, and the requester does. */
async function expectMails({ id, decision }: Shown): Promise<void> {
  const wanted = decision ? [`${decision.by.name} ${decision.outcome}`] : [];
  const read = (who: string) =>
    mailsTo(who, id).flatMap(({ text }) => /^.+ (?:approved|denied)(?= \w+ on orders for )/.exec(text)?.[0] ?? []);
  await until(
    async () => read('ada'),
    ({ length }) => length >= wanted.length,
  );
  expect(read('ada')).toEqual(wanted);
  for (const who of ['bob', 'carla']) for (const told of read(who)) expect(wanted).toContain(told);
}

describe(`races of seed ${seed}`, () => {
  test(`of ${races}, each has one outcome, and everybody is told the truth about it`, async () => {
    const done: Shown[] = [];
    let next = 0;
    const lane = async () => {
      for (let index = next++; index < races; index = next++) {
        const random = seededRandom(seed + index);
        const role = pick(random, ['reader', 'writer', 'reader', 'hurried']);
        const moves = movesBy(random);
        const spread = role === 'hurried' ? 200 : pick(random, [0, 5, 60]);
        const offsets = moves.map(() => between(random, 0, spread));
        const shown = await race(await api.asked('ada', { role }), moves, offsets);
        done.push(shown);
        if (shown.state === 'granted') await end(shown.id);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const seen = new Set(done.map(({ state }) => state));
    for (const state of ['granted', 'denied', 'withdrawn', 'timed-out', 'revoked'] as const)
      expect(seen).toContain(state);
    for (const shown of done) await expectMails(shown);
    await until(
      () => api.documents('holds'),
      ({ length }) => length === 0,
    );
    expect(await api.reads('ada')).not.toBe('rows');
  }, 180_000);

  test('two approvers at the same instant count once each, and never both for one stage', async () => {
    const token = await tokenFor('ada', api.entra.authority, 'api://curfew/.default', { amr: ['pwd', 'mfa'] });
    const body = { target: 'orders', role: 'maintainer', reason: 'Planned maintenance', ticket: 'INC-004711' };
    const round = async (index: number) => {
      const random = seededRandom(seed + races + index);
      const { body: asked } = await api.post('ada', '/requests', body, { authorization: `Bearer ${token}` });
      const moves = (['bob', 'carla', pick<Approver>(random, ['bob', 'carla'])] as const).map((who) => ({
        kind: pick<'form' | 'api'>(random, ['form', 'api']),
        who,
        decision: 'approve' as const,
      }));
      const { id, state, approvals } = await race(asked.id, moves, []);
      const [first, ...others] = approvals.map(({ by }) => by.name);
      if (state === 'waiting-for-approval') {
        expect(others).toEqual([]);
        const [winner, loser] = first === fullNames.bob ? (['bob', 'carla'] as const) : (['carla', 'bob'] as const);
        const again = await api.post(winner, `/requests/${id}/decision`, { decision: 'approve' });
        expect([again.status, again.body.code]).toEqual([409, 'CURFEW_ALREADY_DECIDED']);
        const last = { kind: 'form', who: loser, decision: 'approve' } as const;
        expect((await makeMove(id, { [loser]: await open(loser, id, 2) }, last)).status).toBe(200);
      }
      const granted = await api.shown(id);
      expect(granted.state).toBe('granted');
      expect(new Set(granted.approvals.map(({ by }) => by.name))).toEqual(new Set([fullNames.bob, fullNames.carla]));
      await end(id);
    };
    await Promise.all(Array.from({ length: 10 }, (_, index) => round(index)));
  });
});
