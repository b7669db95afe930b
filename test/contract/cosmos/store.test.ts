import { expect, onTestFinished, test } from 'vitest';
import { Store } from '../../../local/cosmos/store.ts';

function memory(): Store {
  const store = new Store(':memory:');
  onTestFinished(() => store.close());
  return store;
}
const add = (store: Store, id: string) => store.insert("INSERT INTO databases (id, etag, ts) VALUES (?, '', 0)", id);
const count = (store: Store) => store.one('SELECT count(*) AS c FROM databases')?.c;

test('writes of one turn share a commit, and a failing one takes back only itself', async () => {
  const store = memory();
  store.write(() => add(store, 'first'));
  const failing = () =>
    store.write(() => {
      add(store, 'second');
      throw new Error('refused');
    });
  expect(failing).toThrow('refused');
  store.write(() => add(store, 'third'));
  await store.settled();
  expect(count(store)).toBe(2);
});

test('a commit that fails is told to everyone in it, leaves nothing, and the next one works', async () => {
  const store = memory();
  store.write(() => add(store, 'innocent'));
  // A dangling reference that SQLite notices at the commit only.
  store.write(() => {
    store.run('PRAGMA defer_foreign_keys = ON');
    store.insert("INSERT INTO containers (database, id, etag, ts, definition) VALUES (99, 'c', '', 0, '{}')");
    store.nextLsn();
  });
  await expect(store.settled()).rejects.toThrow();
  expect(count(store)).toBe(0);
  expect(store.lsn).toBe(0);
  store.write(() => add(store, 'later'));
  await store.settled();
  expect(count(store)).toBe(1);
});
