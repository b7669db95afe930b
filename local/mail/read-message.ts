import PostalMime from 'postal-mime';
import type { NewMessage } from './store.ts';

export interface Envelope {
  from: string;
  to: readonly string[];
}

/** What a raw message holds. Throws where it cannot be read as mail. */
export async function readMessage(raw: Buffer, envelope: Envelope, receivedAt: Date): Promise<NewMessage> {
  const mail = await PostalMime.parse(raw);
  const text = mail.text ?? '';
  return {
    receivedAt: receivedAt.toISOString(),
    from: envelope.from,
    to: envelope.to,
    subject: mail.subject ?? '',
    text,
    html: mail.html ?? null,
    headers: mail.headers.map(({ originalKey, value }) => ({ name: originalKey, value })),
    links: linksIn(text),
    attachments: mail.attachments.map(({ filename, mimeType, content }) => ({
      filename,
      mimeType,
      bytes: typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength,
    })),
    raw,
  };
}

/** Links as a person would copy them: without the full stop or bracket of the sentence around them. */
function linksIn(text: string): string[] {
  const found = text.match(/https?:\/\/[^\s<>"']+/g) ?? [];
  return [...new Set(found.map((link) => link.replace(/[.,;:!?)\]]+$/, '')))];
}
