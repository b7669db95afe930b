import { METHODS, type Server, STATUS_CODES } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

type ParseError = Error & { readonly code?: string; readonly bytesParsed?: number; readonly rawPacket?: Buffer };

/** Answers what Node's HTTP parser refuses, as Kestrel does. `isReading` tells whether a request of the connection is still being read. */
export function answerUnparsed(server: Server, isReading: (socket: Duplex) => boolean): void {
  const handedOver = new WeakSet<Duplex>();
  server.on('connect', (_request, socket) => refuse(socket, 404));
  server.on('clientError', (error: ParseError, socket) => {
    if (handedOver.has(socket)) return;
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const renamed = error.code === 'HPE_INVALID_METHOD' ? upperCased(error) : undefined;
    if (renamed) {
      handedOver.add(socket);
      handOver(server, socket as Socket, renamed);
      return;
    }
    refuse(socket, statusOf(error, isReading(socket)));
  });
}

function statusOf(error: ParseError, reading: boolean): number {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408;
    case 'HPE_INVALID_METHOD':
      return requestLine(error) ? 404 : 400;
    default:
      // A body that ends too early fails the function that waits for it.
      return reading ? 500 : 400;
  }
}

const line = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)( \S+ HTTP\/1\.[01]\r?\n[\s\S]*)$/;

/** The refused request, from its request line on, split after its method. */
function requestLine({ rawPacket, bytesParsed = 0 }: ParseError): { method: string; rest: string } | undefined {
  const packet = rawPacket?.toString('latin1') ?? '';
  const start = packet.lastIndexOf('\n', bytesParsed - 1) + 1;
  const [, method, rest] = line.exec(bytesParsed > 0 ? packet.slice(start) : packet) ?? [];
  return method !== undefined && rest !== undefined ? { method, rest } : undefined;
}

/** The request with its method in capitals, where that makes it one that Node knows. */
function upperCased(error: ParseError): Buffer | undefined {
  const request = requestLine(error);
  const method = request?.method.toUpperCase();
  if (!request || method === undefined || !METHODS.includes(method)) return undefined;
  return Buffer.from(method + request.rest, 'latin1');
}

/** The parser of the connection has given up, so a second connection carries the rest of it. */
function handOver(server: Server, socket: Socket, begun: Buffer): void {
  for (const event of ['data', 'end', 'timeout']) socket.removeAllListeners(event);
  const onward = connect((server.address() as AddressInfo).port, '127.0.0.1');
  onward.write(begun);
  socket.pipe(onward).pipe(socket);
  for (const [one, other] of [
    [socket, onward],
    [onward, socket],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroySoon());
  }
}

function refuse(socket: Duplex, status: number): void {
  const date = new Date().toUTCString();
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: 0\r\nConnection: close\r\nDate: ${date}\r\nServer: Kestrel\r\n\r\n`,
  );
}
