import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Link } from './link.ts';

describe('a wire that is cut', () => {
  let echo: Server;
  let wire: Link;
  const open: Socket[] = [];

  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    wire = new Link();
    wire.target = portOf(echo);
    await wire.open();
  });

  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
    wire.close();
    echo.close();
  });

  const call = (port = wire.port) => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    open.push(socket);
    return socket;
  };
  const heard = async (socket: Socket) => String((await once(socket, 'data'))[0]);

  it('passes on what comes', async () => {
    const socket = call();
    socket.write('hello');
    expect(await heard(socket)).toBe('hello');
  });

  it('refuses, and breaks what stands, until it is mended', async () => {
    const socket = call();
    socket.write('hello');
    await heard(socket);
    wire.cut('refuse');
    await expect(once(socket, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
    const [error] = (await once(connect(wire.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    await wire.mend();
    const next = call();
    next.write('again');
    expect(await heard(next)).toBe('again');
  });

  it('lets nothing through while it hangs, and all of it once it is mended', async () => {
    const standing = call();
    standing.write('hello');
    await heard(standing);
    wire.cut('hang');
    const later = call();
    await once(later, 'connect');
    const all = Promise.all([heard(standing), heard(later)]);
    standing.write('one');
    later.write('two');
    // In the time of a round trip by another way.
    const direct = call(wire.target);
    direct.write('direct');
    expect(await Promise.race([all, heard(direct)])).toBe('direct');
    await wire.mend();
    expect(await all).toEqual(['one', 'two']);
  });

  it('breaks what stands and takes new ones when it is reset', async () => {
    const socket = call();
    socket.write('hello');
    await heard(socket);
    wire.cut('reset');
    await expect(once(socket, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
    const next = call();
    next.write('again');
    expect(await heard(next)).toBe('again');
  });
});

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
