const Feature = { fedAuth: 0x02, utf8: 0x0a, terminator: 0xff } as const;
const Library = { securityToken: 0x01, adal: 0x02 } as const;
const EXTENSION_USED = 0x10;

/** `token`: sent along. `ask`: the client waits for FEDAUTHINFO before it sends one. */
export type FedAuth = { kind: 'token'; token: string } | { kind: 'ask' };

export interface Login7 {
  tdsVersion: number;
  packetSize: number;
  hostName: string;
  userName: string;
  password: string;
  programName: string;
  libraryName: string;
  database: string;
  fedAuth?: FedAuth;
  asksUtf8: boolean;
}

export function readLogin7(payload: Buffer): Login7 {
  const text = (pointer: number) => {
    const from = payload.readUInt16LE(pointer);
    return payload.toString('ucs2', from, from + payload.readUInt16LE(pointer + 2) * 2);
  };
  const login: Login7 = {
    tdsVersion: payload.readUInt32LE(4),
    packetSize: payload.readUInt32LE(8),
    hostName: text(36),
    userName: text(40),
    password: unscramble(payload, payload.readUInt16LE(44), payload.readUInt16LE(46) * 2),
    programName: text(48),
    libraryName: text(60),
    database: text(68),
    asksUtf8: false,
  };
  // ibExtension points to a DWORD, and that holds the offset of the feature block.
  if (((payload[27] ?? 0) & EXTENSION_USED) !== 0 && payload.readUInt16LE(58) > 0) {
    readFeatures(payload, payload.readUInt32LE(payload.readUInt16LE(56)), login);
  }
  return login;
}

function readFeatures(payload: Buffer, start: number, login: Login7) {
  let at = start;
  while (at + 5 <= payload.length && payload[at] !== Feature.terminator) {
    const length = payload.readUInt32LE(at + 1);
    const data = payload.subarray(at + 5, at + 5 + length);
    if (payload[at] === Feature.utf8) login.asksUtf8 = true;
    if (payload[at] === Feature.fedAuth) login.fedAuth = readFedAuth(data);
    at += 5 + length;
  }
}

function readFedAuth(data: Buffer): FedAuth {
  const library = (data[0] ?? 0) >> 1;
  if (library === Library.securityToken) {
    return { kind: 'token', token: data.toString('ucs2', 5, 5 + data.readUInt32LE(1)) };
  }
  if (library === Library.adal) return { kind: 'ask' };
  throw new RangeError(`federated authentication library ${library}`);
}

/** The message that follows FEDAUTHINFO: total length, token length, token. */
export const readFedAuthToken = (payload: Buffer): string => payload.toString('ucs2', 8, 8 + payload.readUInt32LE(4));

function unscramble(payload: Buffer, from: number, length: number): string {
  const bytes = Buffer.from(payload.subarray(from, from + length));
  for (const [i, byte] of bytes.entries()) {
    const swapped = byte ^ 0xa5;
    bytes[i] = ((swapped << 4) | (swapped >> 4)) & 0xff;
  }
  return bytes.toString('ucs2');
}
