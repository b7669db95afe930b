/**
 * Resource ids as Cosmos DB makes them: 4 bytes of database, 4 of container, 8 of document, in base64 with `-` for `/`.
 * The SDK tells a container's id by its 8 bytes. This server reads names only; the ids are for looks and links.
 */
export function ridOf(database: number, container?: number, document?: number): string {
  const bytes = Buffer.alloc(document !== undefined ? 16 : container !== undefined ? 8 : 4);
  bytes.writeUInt32LE(database, 0);
  if (container !== undefined) bytes.writeUInt32BE((container | 0x8000_0000) >>> 0, 4);
  if (document !== undefined) bytes.writeBigUInt64LE(BigInt(document), 8);
  return bytes.toString('base64').replaceAll('/', '-');
}
