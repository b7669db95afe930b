import { setTimeout as sleep } from 'node:timers/promises';

interface Mail {
  readonly to: readonly string[];
  readonly text: string;
}

/** The approval links that came by mail, read over HTTP from the inbox as a person would. */
export class Inbox {
  readonly #url: string;
  readonly #mails: Mail[] = [];
  readonly #read = new Set<string>();

  constructor(port: number) {
    this.#url = `http://localhost:${port}`;
  }

  /** The newest link that this approver got for the request. */
  link(requestId: string, approver: string): string | undefined {
    const mail = this.#mails.findLast(
      ({ to, text }) => to.includes(addressOf(approver)) && text.includes(requestId) && linkIn(text),
    );
    return mail && linkIn(mail.text);
  }

  /** Reads what is new, again and again, until it is told to stop. Nobody answering is no trouble. */
  async watch(signal: AbortSignal, approvers: readonly string[]): Promise<void> {
    while (!signal.aborted) {
      await Promise.all(approvers.map((approver) => this.#readNew(approver))).catch(() => undefined);
      await sleep(200);
    }
  }

  async #readNew(approver: string): Promise<void> {
    const list = (await this.#get(`?to=${encodeURIComponent(addressOf(approver))}`)) as { id: string }[];
    for (const { id } of list.filter((mail) => !this.#read.has(mail.id)).reverse()) {
      this.#mails.push((await this.#get(`/${id}`)) as Mail);
      this.#read.add(id);
    }
  }

  async #get(path: string): Promise<unknown> {
    return (await fetch(`${this.#url}/api/messages${path}`, { signal: AbortSignal.timeout(3_000) })).json();
  }
}

function linkIn(text: string): string | undefined {
  return /http\S+\/approvals\/[\w-]{43}/.exec(text)?.[0];
}

const addressOf = (person: string) => `${person}@contoso.example`;
