// The first three groups of a uniqueidentifier are stored little-endian: byte i of the stored form is byte ORDER[i] of the text.
const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isGuid = (text: string) => GUID.test(text);

/** The 16 bytes that SQL Server stores for a GUID; for an Entra principal they are its SID. */
export function guidToBytes(guid: string): Buffer {
  if (!isGuid(guid)) throw new TypeError(`not a GUID: ${guid}`);
  const plain = Buffer.from(guid.replaceAll('-', ''), 'hex');
  return Buffer.from(ORDER.map((from) => plain[from] ?? 0));
}

/** Upper case, as SQL Server prints it. */
export function bytesToGuid(bytes: Uint8Array): string {
  const hex = Buffer.from(ORDER.map((from) => bytes[from] ?? 0))
    .toString('hex')
    .toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
