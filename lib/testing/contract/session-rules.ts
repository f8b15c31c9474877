import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { assertSession, crowd, givenSession, newKey, newSession, type Rule } from './trial.js';

/** Another time than any session is written with. */
const SEEN_AT = 1_800_000_000_000;

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

const DATA_SAMPLES = [
  { name: 'no data', data: new Uint8Array() },
  { name: 'every byte value', data: ALL_BYTES },
  { name: 'data that is not UTF-8', data: Uint8Array.of(0xff, 0xfe, 0xc3, 0x28, 0x00) },
  { name: '64 KiB of data', data: randomBytes(65_536) },
] as const;

/** `get`, `create`, and what holds for every method: keys, bytes, the end of a session. */
export const sessionRules: readonly Rule[] = [
  {
    title: 'get: a key that was never created has no session',
    async prove({ store }) {
      assert.equal(await store.get(newKey()), undefined);
    },
  },
  {
    title: 'create: the session is there afterwards, as it was written',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      assertSession(await trial.store.get(key), session);
      assertSession(await trial.peer.get(key), session);
    },
  },
  ...DATA_SAMPLES.map(
    ({ name, data }) =>
      ({
        title: `create and replace: ${name} is kept as it is`,
        async prove({ store, later }) {
          const key = newKey();
          const first = newSession(later(), 1, data);
          await store.create(key, first);
          assertSession(await store.get(key), first);
          const second = newSession(later(), 2, data);
          assert.equal(await store.replace(key, second, 1, newKey()), 'written');
          assertSession(await store.get(key), second);
        },
      }) satisfies Rule,
  ),
  {
    title: 'create: a Uint8Array that is a window on a larger buffer is kept without what surrounds it',
    async prove({ store, later }) {
      const key = newKey();
      const session = newSession(later(), 1, ALL_BYTES.subarray(100, 110));
      await store.create(key, session);
      assertSession(await store.get(key), session);
    },
  },
  {
    title: 'create and replace: what they are given is not changed',
    async prove({ store, later }) {
      const key = newKey();
      const data = randomBytes(100);
      const copy = Uint8Array.from(data);
      const expiresAt = later();
      await store.create(key, Object.freeze(newSession(expiresAt, 1, data)));
      await store.replace(key, Object.freeze(newSession(expiresAt, 2, data)), 1, newKey());
      assert.ok(data.equals(copy));
    },
  },
  {
    title: 'a generation beyond 32 bits is kept as it is',
    async prove({ store, later }) {
      const key = newKey();
      const session = newSession(later(), 2 ** 40 + 1);
      await store.create(key, session);
      assertSession(await store.get(key), session);
      assert.equal(await store.replace(key, newSession(later(), 2 ** 40 + 2), 2 ** 40, newKey()), 'moved');
      assert.equal(await store.replace(key, newSession(later(), 2 ** 40 + 2), 2 ** 40 + 1, newKey()), 'written');
    },
  },
  {
    title: 'two keys never influence each other, not even when only the case of a letter tells them apart',
    async prove(trial) {
      const { store, later } = trial;
      const end = `x${newKey().slice(1, -1)}`;
      const [lower, upper] = [`${end}a`, `${end}A`];
      const [first, second] = [newSession(later()), newSession(later())];
      await store.create(lower, first);
      assert.equal(await store.get(upper), undefined);
      await store.create(upper, second);
      assertSession(await store.get(lower), first);
      assert.equal(await store.delete(lower), true);
      assertSession(await store.get(upper), second);
    },
  },
  {
    title: 'sessions, locks and marks are separate: the same key in one is unknown in the others',
    async prove(trial) {
      const { store, later } = trial;
      const marked = newKey();
      assert.equal(await store.markUsed(marked, later()), true);
      assert.equal(await store.get(marked), undefined);
      assert.equal(await store.touch(marked, later(), SEEN_AT), false);
      assert.equal(await store.delete(marked), false);
      const { key, session } = await givenSession(trial, later());
      await store.lock(key, newKey(), 600_000);
      assert.equal(await store.markUsed(key, later()), true);
      assertSession(await store.get(key), session);
    },
  },
  {
    title: 'a session past its expiry does not exist, for any method',
    async prove(trial) {
      const { store, later } = trial;
      const { key } = await givenSession(trial, trial.soon());
      await trial.passSoon();
      assert.equal(await store.get(key), undefined, 'get');
      assert.equal(await store.touch(key, later(), SEEN_AT), false, 'touch');
      assert.equal(await store.replace(key, newSession(later(), 2), 1, newKey()), 'gone', 'replace');
      assert.deepEqual(await store.lock(key, newKey(), 600_000), { acquired: false, session: undefined }, 'lock');
      assert.equal(await store.delete(key), false, 'delete');
      assert.equal(await store.get(key), undefined, 'get, after all of these');
    },
  },
];

/** `touch` and `delete`. */
export const touchAndDeleteRules: readonly Rule[] = [
  {
    title: 'touch: moves expiry and last use, and nothing else',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      const expiresAt = session.expiresAt + 60_000;
      assert.equal(await trial.store.touch(key, expiresAt, SEEN_AT), true);
      assertSession(await trial.store.get(key), { ...session, expiresAt, lastSeenAt: SEEN_AT });
    },
  },
  {
    title: 'touch: a session lives on past its former expiry',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.soon());
      const expiresAt = trial.later();
      assert.equal(await trial.store.touch(key, expiresAt, SEEN_AT), true);
      await trial.passSoon();
      assert.equal((await trial.store.get(key))?.expiresAt, expiresAt);
    },
  },
  {
    title: 'touch: an earlier expiry changes nothing, the last use is written all the same',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      assert.equal(await trial.store.touch(key, trial.soon(), SEEN_AT), true);
      await trial.passSoon();
      assertSession(await trial.store.get(key), { ...session, lastSeenAt: SEEN_AT });
    },
  },
  {
    title: 'touch: a late one does not take back the lifetime that a replace has given',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.soon());
      const next = newSession(trial.later(), 2);
      assert.equal(await trial.store.replace(key, next, 1, newKey()), 'written');
      assert.equal(await trial.peer.touch(key, session.expiresAt, SEEN_AT), true);
      await trial.passSoon();
      assertSession(await trial.store.get(key), { ...next, lastSeenAt: SEEN_AT });
    },
  },
  {
    title: 'touch: brings no session into being, neither one that never was nor one that was deleted',
    async prove(trial) {
      const { store, later } = trial;
      const unknown = newKey();
      assert.equal(await store.touch(unknown, later(), SEEN_AT), false);
      assert.equal(await store.get(unknown), undefined);
      const { key } = await givenSession(trial, later());
      await store.delete(key);
      assert.equal(await store.touch(key, later(), SEEN_AT), false);
      assert.equal(await store.get(key), undefined);
    },
  },
  {
    title: 'touch: does not bring back what a replace at the same moment has replaced',
    async prove(trial) {
      const { store, peer, later } = trial;
      const { key } = await givenSession(trial, later());
      for (let generation = 1; generation <= 20; generation += 1) {
        const next = newSession(later(), generation + 1);
        await Promise.all([
          store.touch(key, later(), SEEN_AT),
          peer.replace(key, next, generation, newKey()),
          store.touch(key, later(), SEEN_AT),
        ]);
        const now = await store.get(key);
        assertSession(now, { ...next, expiresAt: now?.expiresAt ?? 0, lastSeenAt: now?.lastSeenAt ?? 0 });
      }
    },
  },
  {
    title: 'delete: true for the call that removed the session, false afterwards',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      assert.equal(await trial.store.delete(key), true);
      assert.equal(await trial.store.get(key), undefined);
      assert.equal(await trial.store.delete(key), false);
      assert.equal(await trial.store.delete(newKey()), false);
    },
  },
  {
    title: 'delete: of many calls at once exactly one has removed the session',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const answers = await crowd(trial, (store) => store.delete(key));
      assert.equal(answers.filter(Boolean).length, 1);
    },
  },
  {
    title: 'delete: with a generation only if it is the generation of the session',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      assert.equal(await trial.store.delete(key, session.generation + 1), false);
      assertSession(await trial.store.get(key), session);
      assert.equal(await trial.store.delete(key, session.generation), true);
      assert.equal(await trial.store.get(key), undefined);
    },
  },
];
