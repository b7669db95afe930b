import { createHmac, timingSafeEqual } from 'node:crypto';
import { Refusal } from './refusal.ts';

export type Caller = { objectId: string; clientId?: string } | 'key';

export interface Authentication {
  key?: string;
  authenticateToken?: (accessToken: string) => Promise<{ objectId: string; clientId?: string }>;
}

/** What the signature covers besides the date: the SDK signs names as they are, not as they are encoded. */
export interface Signed {
  method: string;
  resourceType: string;
  resourceId: string;
}

const unauthorized = (message: string) => new Refusal(401, message);

/** `type=master|aad&ver=1.0&sig=…`, URL-encoded as a whole for a key and as it is for a token. */
export async function authenticate(
  authorization: string | undefined,
  date: string | undefined,
  signed: Signed,
  options: Authentication,
): Promise<Caller> {
  const parts = /^type=(?<type>[a-z]+)&ver=1\.0&sig=(?<signature>.+)$/u.exec(decode(authorization ?? ''))?.groups;
  if (parts === undefined) throw unauthorized('The authorization header is missing or unreadable.');
  const { type = '', signature = '' } = parts;
  if (type === 'aad') {
    if (options.authenticateToken === undefined) throw unauthorized('This account takes no Entra tokens.');
    try {
      return await options.authenticateToken(signature);
    } catch (error) {
      throw unauthorized(error instanceof Error ? error.message : 'The token was refused.');
    }
  }
  if (type !== 'master') throw unauthorized(`Authorization of type '${type}' is not supported.`);
  if (options.key === undefined) throw unauthorized('Local authorization is disabled. Use an Entra token.');
  if (date === undefined) throw unauthorized('x-ms-date is missing.');
  const text = `${signed.method.toLowerCase()}\n${signed.resourceType}\n${signed.resourceId}\n${date.toLowerCase()}\n\n`;
  const expected = createHmac('sha256', Buffer.from(options.key, 'base64')).update(text).digest();
  const given = Buffer.from(signature, 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw unauthorized('The MAC signature found in the HTTP request is not the same as the computed signature.');
  return 'key';
}

function decode(header: string): string {
  if (header.includes('&')) return header;
  try {
    return decodeURIComponent(header);
  } catch {
    return '';
  }
}
