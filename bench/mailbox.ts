import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from './system.ts';

/**
 * Reads one approver's links from the inbox's file as mail comes in by SMTP. Asking the inbox over HTTP for all of its
 * mail, again and again, would be most of what is measured.
 */
export class Mailbox {
  readonly #database: DatabaseSync;
  readonly #links = new Map<string, string>();
  #last = 0;
  /** Mails that came, to whomever. */
  count = 0;

  constructor({ folder }: Pick<System, 'folder'>) {
    this.#database = new DatabaseSync(join(folder, 'mail.sqlite'), { readOnly: true });
  }

  /** The link by which this approver decides on the request. */
  async link(requestId: string, approver: string, milliseconds = 60_000): Promise<string> {
    for (const giveUp = performance.now() + milliseconds; performance.now() < giveUp; await sleep(5)) {
      const link = this.find(requestId, approver);
      if (link !== undefined) return link;
    }
    throw new Error(`There was no mail to ${approver} about ${requestId}.`);
  }

  /** The same where it has come. */
  find(requestId: string, approver: string): string | undefined {
    const key = keyOf(requestId, approver);
    if (!this.#links.has(key)) this.readNew();
    return this.#links.get(key);
  }

  readNew(): void {
    const rows = this.#database.prepare('SELECT id, message FROM messages WHERE id > ? ORDER BY id').all(this.#last);
    for (const row of rows) {
      this.#last = Number(row.id);
      this.count++;
      const { to, text } = JSON.parse(String(row.message)) as { to: string[]; text: string };
      const link = /http\S+\/approvals\/[\w-]{43}/.exec(text)?.[0];
      const requestId = /\breq-[0-9a-z]{26}\b/.exec(text)?.[0];
      if (link !== undefined && requestId !== undefined) this.#links.set(keyOf(requestId, to[0] ?? ''), link);
    }
  }

  close(): void {
    this.#database.close();
  }
}

const keyOf = (requestId: string, approver: string) => `${requestId} ${approver}`;
