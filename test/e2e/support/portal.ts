import { setTimeout as sleep } from 'node:timers/promises';
import { Browser, csrfIn } from '../../../local/browser.ts';
import type { Inbox } from './inbox.ts';

/** What a person wanted of a request. */
export type Wish = 'approve' | 'deny' | 'withdraw' | 'revoke';

/** One wish, and how it was answered in the end. Tries before that may have had their effect and lost their answer. */
export interface Command {
  readonly wish: Wish;
  readonly by: string;
  readonly status: number;
}

export interface Asked {
  readonly id: string;
  readonly requester: string;
  readonly commands: Command[];
}

export interface Portal {
  submit(who: string, key: string, body: object): Promise<Asked>;
  decide(asked: Asked, approver: string, decision: 'approve' | 'deny'): Promise<Command>;
  tell(asked: Asked, who: string, wish: 'withdraw' | 'revoke'): Promise<Command>;
  state(asked: Asked): Promise<string>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** How people try again. Milliseconds. */
export interface Patience {
  /** How long they keep trying before it counts as an outage of the service. */
  readonly stamina: number;
  /** How long they wait for one answer, and between two tries. */
  readonly timeout: number;
  readonly pause: number;
}

const eager: Patience = { stamina: 60_000, timeout: 10_000, pause: 150 };

/** Clients that try again, with the same Idempotency-Key, whenever a call breaks off, hangs or is answered 5xx. */
export function createPortal(
  port: number,
  inbox: Pick<Inbox, 'link'>,
  tokens: ReadonlyMap<string, string>,
  patience = eager,
): Portal {
  const insist = insisting(patience);
  const api = `http://localhost:${port}/api`;
  const as = (who: string) => ({ authorization: `Bearer ${tokens.get(who) ?? ''}` });
  const browsers = new Map<string, ReturnType<typeof signInAs>>();
  const command = async (asked: Asked, wish: Wish, by: string, call: () => Promise<Answer>) => {
    const { status } = await call();
    const answered = { wish, by, status };
    asked.commands.push(answered);
    return answered;
  };
  return {
    async submit(who, key, body) {
      const { status, text } = await insist(`${api}/requests`, {
        method: 'POST',
        headers: { ...as(who), 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(body),
      });
      if (status !== 202) throw new Error(`A request was answered ${status}: ${text}`);
      return { id: (JSON.parse(text) as { id: string }).id, requester: who, commands: [] };
    },
    decide: (asked, approver, decision) =>
      command(asked, decision, approver, async () => {
        const link = await until(
          () => inbox.link(asked.id, approver),
          `mail to ${approver} about ${asked.id}`,
          patience,
        );
        const signedIn = browsers.get(approver) ?? signInAs(approver, link, patience);
        browsers.set(approver, signedIn);
        const { browser, csrf } = await signedIn;
        return insist(link, {
          method: 'POST',
          headers: { origin: new URL(link).origin, cookie: browser.cookieFor(link) },
          body: new URLSearchParams({ csrf, decision, comment: 'By link' }),
        });
      }),
    tell: (asked, who, wish) =>
      command(asked, wish, who, () =>
        insist(`${api}/requests/${asked.id}/${wish}`, { method: 'POST', headers: as(who) }),
      ),
    async state(asked) {
      const { text } = await insist(`${api}/requests/${asked.id}`, { headers: as(asked.requester) });
      return (JSON.parse(text) as { state: string }).state;
    },
  };
}

/** Signs in on the way to a link, from the start again wherever it breaks off. */
async function signInAs(
  approver: string,
  link: string,
  { stamina, pause }: Patience,
): Promise<{ browser: Browser; csrf: string }> {
  for (const giveUp = performance.now() + stamina; performance.now() < giveUp; await sleep(pause)) {
    const browser = new Browser();
    const page = await browser.openAs(approver, link).catch(() => undefined);
    const csrf = page && csrfIn(page);
    if (csrf !== undefined) return { browser, csrf };
  }
  throw new Error(`${approver} cannot sign in.`);
}

function insisting({ stamina, timeout, pause }: Patience) {
  return async (url: string, init: RequestInit = {}): Promise<Answer> => {
    const giveUp = performance.now() + stamina;
    for (let last: unknown; ; await sleep(pause)) {
      try {
        const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeout) });
        const text = await response.text();
        if (response.status < 500) return { status: response.status, text };
        last = `${response.status} ${text}`;
      } catch (error) {
        last = error;
      }
      if (performance.now() > giveUp) throw new Error(`${url} does not answer`, { cause: last });
    }
  };
}

export async function until<Found>(look: () => Found | undefined, what: string, { stamina } = eager): Promise<Found> {
  const giveUp = performance.now() + stamina;
  for (; ; await sleep(50)) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > giveUp) throw new Error(`There was no ${what}.`);
  }
}
