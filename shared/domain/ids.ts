/** Ids are branded so that a request's id can't be passed where a person's is meant. */
type Id<Name extends string> = string & { readonly __id: Name };

/** The request's id, which is also the orchestration's instance id: `req-` and 26 of Crockford's base 32. Never reused. */
export type RequestId = Id<'RequestId'>;
/** The object id (`oid`) of a person, group or service principal in Entra ID: a lower-case GUID. */
export type PrincipalId = Id<'PrincipalId'>;
/** A target's name in the policy. */
export type TargetId = Id<'TargetId'>;
/** A role's name within its target in the policy. */
export type RoleId = Id<'RoleId'>;
/** Names one command, so that its sender can find out what became of it. */
export type CommandId = Id<'CommandId'>;
/** Names the chain of what was found on one target beside Curfew's own grants: `drift-` and the target's name. No request's id. */
export type DriftId = Id<'DriftId'>;
/** Names a process of the service that drops what is claimed: random, new with each. */
export type ActorId = Id<'ActorId'>;
/** SHA-256 in lower-case hex. */
export type Digest = Id<'Digest'>;

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Base 32 (Crockford's alphabet, lower case) of 16 bytes: safe in URLs and in instance ids, where `/`, `#` and `?` are not. */
export function requestIdOf(bytes: Uint8Array): RequestId {
  let number = bytes.slice(0, 16).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let text = '';
  for (let digit = 0; digit < 26; digit++) {
    text = alphabet.charAt(Number(number & 31n)) + text;
    number >>= 5n;
  }
  return `req-${text}` as RequestId;
}

export function driftIdOf(target: TargetId): DriftId {
  return `drift-${target}` as DriftId;
}

export function isRequestId(text: string): text is RequestId {
  return /^req-[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}

/** Hex of eight random bytes. */
export function actorIdOf(bytes: Uint8Array): ActorId {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') as ActorId;
}
