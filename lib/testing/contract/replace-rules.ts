import assert from 'node:assert/strict';
import {
  assertLocked,
  assertSession,
  assertUnlocked,
  crowd,
  CROWD,
  givenSession,
  LONG_LEASE,
  newKey,
  newSession,
  type Rule,
} from './trial.js';

/** `replace`: the fence, and the lock that it releases. */
export const replaceRules: readonly Rule[] = [
  {
    title: 'replace: written when the generation is the expected one',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const next = newSession(trial.later() + 1_000, 2);
      assert.equal(await trial.store.replace(key, next, 1, newKey()), 'written');
      assertSession(await trial.store.get(key), next);
    },
  },
  {
    title: 'replace: the new expiry holds',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      assert.equal(await trial.store.replace(key, newSession(trial.soon(), 2), 1, newKey()), 'written');
      await trial.passSoon();
      assert.equal(await trial.store.get(key), undefined);
    },
  },
  {
    title: 'replace: moved when another generation is there, and nothing is written',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      for (const expected of [0, 2, 256, 257]) {
        assert.equal(await trial.store.replace(key, newSession(trial.later(), 3), expected, newKey()), 'moved');
      }
      assertSession(await trial.store.get(key), session);
    },
  },
  {
    title: 'replace: gone when there is no session, and nothing is written',
    async prove(trial) {
      const { store, later } = trial;
      const unknown = newKey();
      assert.equal(await store.replace(unknown, newSession(later(), 2), 1, newKey()), 'gone');
      assert.equal(await store.get(unknown), undefined);
      const { key } = await givenSession(trial, later());
      await store.delete(key);
      assert.equal(await store.replace(key, newSession(later(), 2), 1, newKey()), 'gone');
      assert.equal(await store.get(key), undefined);
    },
  },
  {
    title: 'replace: of many at once for one generation exactly one is written, the others find that it moved',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const candidates = Array.from({ length: CROWD }, () => newSession(trial.later(), 2));
      const results = await crowd(trial, async (store, index) => {
        const candidate = candidates[index];
        assert.ok(candidate);
        return { candidate, answer: await store.replace(key, candidate, 1, newKey()) };
      });
      const written = results.filter(({ answer }) => answer === 'written');
      assert.equal(written.length, 1);
      assert.equal(results.filter(({ answer }) => answer === 'moved').length, CROWD - 1);
      assert.ok(written[0]);
      assertSession(await trial.store.get(key), written[0].candidate);
    },
  },
  {
    title: 'replace: a session that is deleted at the same moment is gone in the end',
    async prove(trial) {
      for (let round = 0; round < 20; round += 1) {
        const { key } = await givenSession(trial, trial.later());
        await Promise.all([
          trial.store.replace(key, newSession(trial.later(), 2), 1, newKey()),
          trial.peer.delete(key),
          trial.store.replace(key, newSession(trial.later(), 2), 1, newKey()),
        ]);
        assert.equal(await trial.store.get(key), undefined);
      }
    },
  },
  {
    title: 'replace: releases the lock of its owner',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const owner = newKey();
      await trial.store.lock(key, owner, LONG_LEASE);
      assert.equal(await trial.store.replace(key, newSession(trial.later(), 2), 1, owner), 'written');
      await assertUnlocked(trial, key);
    },
  },
  {
    title: 'replace: writes without a lock, and leaves the lock of another owner alone',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      await trial.store.lock(key, newKey(), LONG_LEASE);
      assert.equal(await trial.store.replace(key, newSession(trial.later(), 2), 1, newKey()), 'written');
      await assertLocked(trial, key);
    },
  },
  {
    title: 'replace: writes though the lease is over and another owner has the lock, which it keeps',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const [late, next] = [newKey(), newKey()];
      await trial.store.lock(key, late, trial.shortLease);
      await trial.passSoon();
      assert.equal((await trial.peer.lock(key, next, LONG_LEASE)).acquired, true);
      assert.equal(await trial.store.replace(key, newSession(trial.later(), 2), 1, late), 'written');
      await assertLocked(trial, key);
    },
  },
];
