import { CurfewError } from '../../domain/errors.ts';
import type { PrincipalId } from '../../domain/ids.ts';
import type { Principal } from '../provider.ts';

/** All that a database knows somebody by, whatever their name there. */
export type Identity = Pick<Principal, 'principalId' | 'clientId'>;

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

// A uniqueidentifier stores its first three groups little-endian: byte i of the one form is byte order[i] of the other.
const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** A user made from a login of the server, rather than in the database alone, has these two bytes after its GUID. Hex. */
export const loginSuffix = 'aade';
const loginBytes = Buffer.from(loginSuffix, 'hex');

/**
 * The 16 bytes that Azure SQL has for somebody of Entra ID, as a uniqueidentifier is stored: of a person or group the object
 * id, of an application the client id.
 */
export function sidOf({ principalId, clientId }: Identity): Buffer {
  const id = clientId ?? principalId;
  if (!guid.test(id)) throw new CurfewError('CURFEW_TARGET_REFUSED', { detail: 'The principal has no GUID.' });
  return reorder(Buffer.from(id.replaceAll('-', ''), 'hex'));
}

/** The other SID under which a database may know the same principal. */
export function loginSidOf(principal: Identity): Buffer {
  return Buffer.concat([sidOf(principal), loginBytes]);
}

/** Undefined for a SID that is not one of Entra ID. For an application it is the client id, not the object id. */
export function principalIdOf(sid: Uint8Array): PrincipalId | undefined {
  const fromLogin = sid.length === 18 && loginBytes.equals(sid.subarray(16));
  if (sid.length !== 16 && !fromLogin) return undefined;
  const hex = reorder(sid).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') as PrincipalId;
}

function reorder(bytes: Uint8Array): Buffer {
  return Buffer.from(order.map((from) => bytes[from] ?? 0));
}
