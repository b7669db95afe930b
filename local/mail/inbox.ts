import { inboxPage, messagePage, notFoundPage, type Page } from './pages.ts';
import type { MailStore, StoredMessage } from './store.ts';

const pageSize = 50;

/** Everything the inbox answers to a GET, from its address alone. */
export function answerInbox(store: MailStore, url: URL): Page {
  const to = url.searchParams.get('to') ?? '';
  const filter = to === '' ? {} : { to };
  const [, first = '', second = '', ...rest] = url.pathname.split('/');
  const isApi = first === 'api' && second === 'messages' && rest.length <= 1;

  if (isApi && rest.length === 0) return json(store.list(filter).map(summary));
  if (isApi) {
    const message = store.get(idOf(rest[0]));
    return message ? json(message) : json({ error: 'not_found' }, 404);
  }
  if (url.pathname === '/') {
    const before = url.searchParams.has('before') ? { before: idOf(url.searchParams.get('before')) } : {};
    const messages = store.list({ ...filter, ...before, limit: pageSize + 1 });
    const last = messages.length > pageSize ? messages[pageSize - 1] : undefined;
    const older = last && `/?${new URLSearchParams([...Object.entries(filter), ['before', last.id]]).toString()}`;
    return inboxPage(messages.slice(0, pageSize), to, older);
  }
  if (first === 'messages' && rest.length === 0) {
    const message = store.get(idOf(second));
    const raw = message && store.raw(Number(message.id));
    if (message && raw) return messagePage(message, Buffer.from(raw).toString('utf8'));
  }
  return first === 'api' ? json({ error: 'not_found' }, 404) : notFoundPage();
}

const summary = ({ id, receivedAt, from, to, subject }: StoredMessage) => ({ id, receivedAt, from, to, subject });

// Ids start at 1: 0 finds nothing.
const idOf = (text: string | null | undefined): number => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : 0);

export const json = (value: unknown, status = 200): Page => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
});
