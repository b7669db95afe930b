import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { type Envelope, readMessage } from './read-message.ts';
import type { NewMessage } from './store.ts';

export interface SmtpOptions {
  /** Largest message, in bytes. */
  maxBytes: number;
  now: () => number;
  /** A code such as 451 or 550 to answer instead of taking the message. */
  refuse?: (envelope: Envelope) => number | undefined;
  /** Keeps the message for good before it returns. */
  keep: (message: NewMessage) => void;
}

/** Plain SMTP for loopback: no TLS, and any user name and password or none. It says 250 only after `keep` has returned. */
export function createSmtp({ maxBytes, now, refuse, keep }: SmtpOptions): SMTPServer {
  async function take(stream: SMTPServerDataStream, envelope: Envelope): Promise<void> {
    const raw = await readAll(stream, maxBytes);
    if (stream.sizeExceeded) throw answer(552, `The message is larger than ${maxBytes} bytes`);
    const code = refuse?.(envelope);
    if (code !== undefined) throw answer(code, 'The inbox was told to refuse this');
    const message = await readMessage(raw, envelope, new Date(now())).catch(() => {
      throw answer(554, 'The message cannot be read');
    });
    keep(message);
  }

  return new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    size: maxBytes,
    closeTimeout: 1000,
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? 'anybody' }),
    onData: (stream, { envelope }, callback) => {
      const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
      const to = envelope.rcptTo.map((recipient) => recipient.address);
      take(stream, { from, to }).then(
        () => callback(null, 'Kept'),
        (error: unknown) => callback(error instanceof Error ? error : answer(451, String(error))),
      );
    },
  });
}

/** The stream to its end, since the answer comes after it; what exceeds the limit is read and thrown away. */
async function readAll(stream: SMTPServerDataStream, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const answer = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode });
