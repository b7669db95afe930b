import { describe, expect, test } from 'vitest';
import { bytesToGuid, guidToBytes } from '../../../local/sql-server/guid.ts';
import { Locks } from '../../../local/sql-server/locks.ts';
import { datetimeText, readInstant, writeInstant } from '../../../local/sql-server/tds/date-text.ts';
import { MessageReader, PacketType, toPackets } from '../../../local/sql-server/tds/packet.ts';

describe('packets', () => {
  test('a message survives any cutting of the stream', () => {
    const payload = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251));
    const wire = toPackets(PacketType.batch, payload, 512);
    for (const size of [1, 7, 512, 513, 6000]) {
      const reader = new MessageReader();
      const messages = [];
      for (let at = 0; at < wire.length; at += size) messages.push(...reader.push(wire.subarray(at, at + size)));
      expect(messages).toHaveLength(1);
      expect(messages[0]?.payload.equals(payload)).toBe(true);
    }
  });

  test('an empty message is one packet', () => {
    expect(toPackets(PacketType.reply, Buffer.alloc(0), 4096)).toHaveLength(8);
  });

  test('a packet shorter than its header is refused', () => {
    expect(() => new MessageReader().push(Buffer.from([1, 1, 0, 3, 0, 0, 0, 0]))).toThrow(RangeError);
  });
});

describe('values', () => {
  test('a GUID has its first three groups turned round', () => {
    const bytes = guidToBytes('c0000000-0000-4000-8000-000000000002');
    expect(bytes.toString('hex')).toBe('000000c0000000408000000000000002');
    expect(bytesToGuid(bytes)).toBe('C0000000-0000-4000-8000-000000000002');
    expect(() => guidToBytes('nonsense')).toThrow(TypeError);
  });

  test.for([
    ['2026-01-02T03:04:05.6000000Z', '2026-01-02 03:04:05.6'],
    ['2026-01-02', '2026-01-02'],
    ['20260102 00:00', '2026-01-02'],
    ['2026-01-02 00:30:00+01:00', '2026-01-01 23:30:00'],
    ['0001-01-01', '0001-01-01'],
  ] as const)('the date %s is held as %s', ([text, held]) => {
    const instant = readInstant(text);
    expect(instant && writeInstant(instant)).toBe(held);
  });

  test.for(['2026-02-30', '2026-13-01', '25:00', 'soon', ''])('%s is no date', (text) => {
    expect(readInstant(text)).toBeUndefined();
  });

  test('a datetime counts in three-hundredths of a second', () => {
    expect(datetimeText(Date.UTC(2026, 0, 1, 0, 0, 0, 4))).toBe('2026-01-01 00:00:00.0033333');
    expect(datetimeText(Date.UTC(2026, 0, 1, 23, 59, 59, 999))).toBe('2026-01-02');
  });
});

describe('locks', () => {
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];

  test('shared locks go together, and whoever waits for an exclusive one is not overtaken', async () => {
    const locks = new Locks<{ name: string }>();
    expect(locks.acquire(a, 'r', 'shared', 'session')).toBe('granted');
    const exclusive = locks.acquire(b, 'r', 'exclusive', 'session');
    const late = locks.acquire(c, 'r', 'shared', 'session');
    locks.releaseAll(a);
    expect(await exclusive).toBe('granted-after-wait');
    locks.releaseAll(b);
    expect(await late).toBe('granted-after-wait');
  });

  test('what is taken twice is let go twice', () => {
    const locks = new Locks<{ name: string }>();
    locks.acquire(a, 'r', 'exclusive', 'session');
    locks.acquire(a, 'r', 'exclusive', 'session');
    locks.release(a, 'r', 'session');
    expect(locks.acquire(b, 'r', 'exclusive', 'session', 0)).toBe('timeout');
    locks.release(a, 'r', 'session');
    expect(locks.acquire(b, 'r', 'exclusive', 'session', 0)).toBe('granted');
  });

  test('who gives up waiting lets the next one through', async () => {
    const locks = new Locks<{ name: string }>();
    locks.acquire(a, 'r', 'shared', 'session');
    const stop = new AbortController();
    const cancelled = locks.acquire(b, 'r', 'exclusive', 'session', undefined, stop.signal);
    const next = locks.acquire(c, 'r', 'shared', 'session');
    stop.abort();
    expect(await cancelled).toBe('cancelled');
    expect(await next).toBe('granted-after-wait');
  });

  test('a ring of three is a deadlock', () => {
    const locks = new Locks<{ name: string }>();
    for (const [owner, resource] of [
      [a, '1'],
      [b, '2'],
      [c, '3'],
    ] as const)
      locks.acquire(owner, resource, 'exclusive', 'session');
    void locks.acquire(a, '2', 'exclusive', 'session');
    void locks.acquire(b, '3', 'exclusive', 'session');
    expect(locks.acquire(c, '1', 'exclusive', 'session')).toBe('deadlock');
  });
});
