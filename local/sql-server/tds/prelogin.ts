const Option = {
  version: 0x00,
  encryption: 0x01,
  instance: 0x02,
  thread: 0x03,
  mars: 0x04,
  fedAuthRequired: 0x06,
} as const;
const TERMINATOR = 0xff;

export const Encryption = { off: 0x00, on: 0x01, notSupported: 0x02, required: 0x03 } as const;

export interface Prelogin {
  encryption: number;
  asksFedAuth: boolean;
}

export function readPrelogin(payload: Buffer): Prelogin {
  const prelogin: Prelogin = { encryption: Encryption.notSupported, asksFedAuth: false };
  for (let at = 0; at + 5 <= payload.length && payload[at] !== TERMINATOR; at += 5) {
    const offset = payload.readUInt16BE(at + 1);
    if (payload[at] === Option.encryption) prelogin.encryption = payload[offset] ?? Encryption.notSupported;
    if (payload[at] === Option.fedAuthRequired) prelogin.asksFedAuth = true;
  }
  return prelogin;
}

/** MARS is not offered; encryption always is, and is required. */
export function buildPreloginReply(client: Prelogin): Buffer {
  const encryption = client.encryption === Encryption.on ? Encryption.on : Encryption.required;
  const options: [number, Buffer][] = [
    [Option.version, Buffer.from([12, 0, 0x07, 0xd0, 0, 0])],
    [Option.encryption, Buffer.from([encryption])],
    [Option.instance, Buffer.from([0])],
    [Option.thread, Buffer.alloc(0)],
    [Option.mars, Buffer.from([0])],
  ];
  if (client.asksFedAuth) options.push([Option.fedAuthRequired, Buffer.from([1])]);
  const head = Buffer.alloc(options.length * 5 + 1, TERMINATOR);
  let offset = head.length;
  for (const [i, [token, data]] of options.entries()) {
    head[i * 5] = token;
    head.writeUInt16BE(offset, i * 5 + 1);
    head.writeUInt16BE(data.length, i * 5 + 3);
    offset += data.length;
  }
  return Buffer.concat([head, ...options.map(([, data]) => data)]);
}
