import { Browser, csrfIn } from '../local/browser.ts';
import type { Analyst } from './company.ts';
import type { System } from './system.ts';

export interface Seen {
  readonly id: string;
  readonly state: string;
  readonly deadline?: string;
}

/** The calls that a bench makes, each over HTTP; an answer that isn't the one expected ends the bench. */
export class Portal {
  readonly #api: string;
  #bob: Promise<{ browser: Browser; csrf: string }> | undefined;

  constructor({ api }: Pick<System, 'api'>) {
    this.#api = api;
  }

  ask(analyst: Analyst, duration: number, startsAt?: number): Promise<Seen> {
    return this.#call(202, '/requests', analyst, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        target: 'orders',
        role: 'reader',
        reason: 'A figure for the bench',
        duration: `${duration}s`,
        ...(startsAt !== undefined && { startsAt: new Date(startsAt).toISOString() }),
      }),
    });
  }

  look = (analyst: Analyst, id: string) => this.#call(200, `/requests/${id}`, analyst);
  withdraw = (analyst: Analyst, id: string) => this.#call(200, `/requests/${id}/withdraw`, analyst, { method: 'POST' });
  revoke = (analyst: Analyst, id: string) => this.#call(200, `/requests/${id}/revoke`, analyst, { method: 'POST' });

  /** Posts the form of the approver's page, as Bob. The answer comes when the request is granted, or waits for its start. */
  async approve(link: string): Promise<void> {
    this.#bob ??= this.#signIn(link);
    const { browser, csrf } = await this.#bob;
    const { status, text } = await browser.send(link, {
      method: 'POST',
      headers: { origin: new URL(link).origin },
      body: new URLSearchParams({ csrf, decision: 'approve', comment: '' }),
    });
    if (status !== 200) throw new Error(`The approver's page answered ${status}: ${text}`);
  }

  async #signIn(link: string): Promise<{ browser: Browser; csrf: string }> {
    const browser = new Browser();
    const page = await browser.openAs('bob', link);
    const csrf = csrfIn(page);
    if (csrf === undefined) throw new Error(`Signing in was answered ${page.status}: ${page.text}`);
    return { browser, csrf };
  }

  async #call(status: number, path: string, { token }: Analyst, init: RequestInit = {}): Promise<Seen> {
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(`${this.#api}${path}`, { ...init, headers });
    const text = await response.text();
    if (response.status !== status) throw new Error(`${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Seen;
  }
}
