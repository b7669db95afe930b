import { type JsonObject, parseObject } from './json.ts';
import { type Conditions, changeCharge, type Outcome, readCharge, requireConditions, writeCharge } from './outcome.ts';
import { type Partition, partitionOf, requireSame } from './partition.ts';
import { applyPatch } from './patch.ts';
import { badRequest, notFound, Refusal } from './refusal.ts';
import { type Container, expiry, isTtl, newEtag, requireId, type Service } from './resources.ts';
import { ridOf } from './rid.ts';

const mostParsed = 200_000;
export const maxBytes = 2 * 1024 * 1024;

/** A document as stored: `body` is what the client wrote, without the properties the server adds. */
export interface Stored {
  n: number;
  etag: string;
  ts: number;
  lsn: number;
  body: string;
}
const storedOf = (row: Record<string, unknown>): Stored => ({
  n: Number(row.n),
  etag: String(row.etag),
  ts: Number(row.ts),
  lsn: Number(row.lsn),
  body: String(row.body),
});
const system = ['_rid', '_self', '_etag', '_attachments', '_ts', '_lsn'];

/** The documents of one container. Point operations; the feeds are in feed.ts. */
export class Documents {
  readonly container: Container;
  readonly #service: Service;

  constructor(service: Service, container: Container) {
    this.#service = service;
    this.container = container;
  }

  create(partition: Partition, body: JsonObject): Outcome {
    return this.#service.store.write(() => {
      const [id, text] = this.#checked(partition, body);
      if (this.#find(partition, id) !== undefined)
        throw new Refusal(409, 'Entity with the specified id already exists in the system.');
      return this.#insert(partition, id, text, body);
    });
  }

  upsert(partition: Partition, body: JsonObject, conditions: Conditions): Outcome {
    return this.#service.store.write(() => {
      const [id, text] = this.#checked(partition, body);
      const before = this.#find(partition, id);
      // As in Azure, If-Match says nothing about a document that isn't there.
      if (before === undefined) return this.#insert(partition, id, text, body);
      requireConditions(conditions, before.etag);
      return this.#update(before, text, body);
    });
  }

  replace(partition: Partition, id: string, body: JsonObject, conditions: Conditions): Outcome {
    return this.#service.store.write(() => {
      const before = this.#need(partition, id);
      requireConditions(conditions, before.etag);
      const [newId, text] = this.#checked(partition, body);
      if (newId !== id) throw badRequest('The id of a document is fixed.');
      return this.#update(before, text, body);
    });
  }

  patch(partition: Partition, id: string, patch: JsonObject, conditions: Conditions): Outcome {
    return this.#service.store.write(() => {
      const before = this.#need(partition, id);
      requireConditions(conditions, before.etag);
      const body = applyPatch(patch, this.view(before));
      const [newId, text] = this.#checked(partition, body);
      if (newId !== id) throw badRequest('The id of a document is fixed.');
      return this.#update(before, text, body);
    });
  }

  read(partition: Partition, id: string, { ifNoneMatch }: Conditions): Outcome {
    const stored = this.#need(partition, id);
    const charge = readCharge(stored.body.length);
    if (ifNoneMatch === stored.etag) return { status: 304, etag: stored.etag, charge };
    return { status: 200, body: this.text(stored), etag: stored.etag, charge };
  }

  delete(partition: Partition, id: string, conditions: Conditions): Outcome {
    return this.#service.store.write(() => {
      const before = this.#need(partition, id);
      requireConditions(conditions, before.etag);
      this.#service.store.run('DELETE FROM documents WHERE n = ?', before.n);
      this.#service.store.nextLsn();
      return { status: 204, charge: writeCharge(before.body.length) };
    });
  }

  /** Documents in the order of birth, or of change where `changedAfter` is given; the expired are left out. */
  *scan(within: { partition?: Partition; id?: string; after?: number; changedAfter?: number; since?: number }) {
    const { partition, id, after = 0, changedAfter, since = 0 } = within;
    const order = changedAfter === undefined ? 'n' : 'lsn';
    const where = [
      `container = ? AND ${order} > ? AND (expires IS NULL OR expires > ?) AND ts >= ?`,
      partition === undefined ? 'AND ? IS NULL' : 'AND partition = ?',
      id === undefined ? 'AND ? IS NULL' : 'AND id = ?',
    ].join(' ');
    const sql = `SELECT n, etag, ts, lsn, body FROM documents WHERE ${where} ORDER BY ${order}`;
    const values = [this.container.n, changedAfter ?? after, this.#seconds(), since, partition ?? null, id ?? null];
    for (const row of this.#service.store.each(sql, ...values)) yield storedOf(row);
  }

  view(stored: Stored): JsonObject {
    return { ...this.#parsed(stored), ...this.#added(stored) };
  }

  /** `view` as text, without parsing what is stored. */
  text(stored: Stored): string {
    return `${stored.body.slice(0, -1)},${JSON.stringify(this.#added(stored)).slice(1)}`;
  }

  #added({ n, etag, ts }: Stored) {
    const rid = ridOf(this.container.database, this.container.n, n);
    const _self = `${this.container.self}docs/${rid}/`;
    return { _rid: rid, _self, _etag: etag, _attachments: 'attachments/', _ts: ts };
  }

  /** A query looks at every document, where Azure has an index: what has not changed since is not parsed again. */
  #parsed({ n, etag, body }: Stored): JsonObject {
    const { parsed } = this.#service;
    const known = parsed.get(n);
    if (known?.etag === etag) return known.document;
    const document = parseObject(body);
    if (parsed.size >= mostParsed) parsed.clear();
    parsed.set(n, { etag, document });
    return document;
  }

  #seconds = () => Math.floor(this.#service.now() / 1000);

  /** An expired document is as good as gone, whether or not it has been removed yet. */
  #find(partition: Partition, id: string): Stored | undefined {
    const { store } = this.#service;
    const sql =
      'SELECT n, etag, ts, lsn, expires, body FROM documents WHERE container = ? AND partition = ? AND id = ?';
    const row = store.one(sql, this.container.n, partition, id);
    if (row === undefined) return undefined;
    if (row.expires !== null && Number(row.expires) <= this.#seconds()) return undefined;
    return storedOf(row);
  }

  #need(partition: Partition, id: string): Stored {
    const stored = this.#find(partition, id);
    if (stored === undefined) throw notFound('Entity with the specified id does not exist in the system.');
    return stored;
  }

  #checked(partition: Partition, body: JsonObject): [id: string, text: string] {
    const id = requireId(body.id, /[/\\]/u);
    if (Buffer.byteLength(id) > 1023) throw badRequest('The id is longer than 1,023 bytes.');
    if (body.ttl !== undefined && !isTtl(body.ttl)) throw badRequest('ttl is -1 or a positive whole number.');
    requireSame(partition, partitionOf(body, this.container.partitionPath));
    const text = JSON.stringify(Object.fromEntries(Object.entries(body).filter(([key]) => !system.includes(key))));
    if (Buffer.byteLength(text) > maxBytes) throw new Refusal(413, 'Request size is too large');
    return [id, text];
  }

  #insert(partition: Partition, id: string, body: string, { ttl }: JsonObject): Outcome {
    const { store } = this.#service;
    const [etag, ts, lsn] = [newEtag(), this.#seconds(), store.nextLsn()];
    const own = isTtl(ttl) ? ttl : null;
    const c = this.container;
    // Expired documents go when something new comes: the namesake, which would be in the way, and a few more.
    store.run('DELETE FROM documents WHERE n IN (SELECT n FROM documents WHERE expires <= ? LIMIT 8)', ts);
    store.run('DELETE FROM documents WHERE container = ? AND partition = ? AND id = ?', c.n, partition, id);
    const n = store.insert(
      `INSERT INTO documents (container, partition, id, lsn, etag, ts, ttl, expires, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[c.n, partition, id, lsn, etag, ts, own, expiry(c, ts, own ?? undefined), body],
    );
    return { status: 201, body: this.text({ n, etag, ts, lsn, body }), etag, charge: writeCharge(body.length) };
  }

  #update({ n }: Stored, body: string, { ttl }: JsonObject): Outcome {
    const { store } = this.#service;
    const [etag, ts, lsn] = [newEtag(), this.#seconds(), store.nextLsn()];
    const own = isTtl(ttl) ? ttl : null;
    const sql = 'UPDATE documents SET lsn = ?, etag = ?, ts = ?, ttl = ?, expires = ?, body = ? WHERE n = ?';
    store.run(sql, lsn, etag, ts, own, expiry(this.container, ts, own ?? undefined), body, n);
    return { status: 200, body: this.text({ n, etag, ts, lsn, body }), etag, charge: changeCharge(body.length) };
  }
}
