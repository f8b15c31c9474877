import assert from 'node:assert/strict';
import {
  assertLocked,
  assertSession,
  assertUnlocked,
  crowd,
  givenSession,
  LONG_LEASE,
  newKey,
  newSession,
  type Rule,
} from './trial.js';

/** `lock` and `unlock`. */
export const lockRules: readonly Rule[] = [
  {
    title: 'lock: a free lock is acquired, and the session is read in the same step',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      const result = await trial.store.lock(key, newKey(), LONG_LEASE);
      assert.equal(result.acquired, true);
      assertSession(result.session, session);
      assertSession(await trial.store.get(key), session);
    },
  },
  {
    title: 'lock: not acquired while another owner holds it; that owner is named and the session read all the same',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      const holder = newKey();
      await trial.store.lock(key, holder, LONG_LEASE);
      const result = await trial.peer.lock(key, newKey(), LONG_LEASE);
      assert.equal(result.acquired, false);
      assert.equal(result.holder, holder);
      assertSession(result.session, session);
    },
  },
  {
    title: 'lock: of many owners at once exactly one acquires it',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      const results = await crowd(trial, (store) => store.lock(key, newKey(), LONG_LEASE));
      assert.equal(results.filter(({ acquired }) => acquired).length, 1);
      for (const result of results) assertSession(result.session, session);
    },
  },
  {
    title: 'lock: reads what another instance has written last',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      await trial.store.get(key);
      const next = newSession(trial.later(), 2);
      await trial.peer.replace(key, next, 1, newKey());
      assertSession((await trial.store.lock(key, newKey(), LONG_LEASE)).session, next);
    },
  },
  {
    title: 'lock: locks of different keys do not influence each other',
    async prove(trial) {
      const [one, other] = [await givenSession(trial, trial.later()), await givenSession(trial, trial.later())];
      await trial.store.lock(one.key, newKey(), LONG_LEASE);
      await assertUnlocked(trial, other.key);
    },
  },
  {
    title: 'lock: its owner acquires it again, and the lease starts anew',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const owner = newKey();
      await trial.store.lock(key, owner, trial.shortLease);
      assert.equal((await trial.peer.lock(key, owner, LONG_LEASE)).acquired, true);
      await trial.passSoon();
      await assertLocked(trial, key);
    },
  },
  {
    title: 'lock: a refused attempt does not prolong the lease',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      await trial.store.lock(key, newKey(), trial.shortLease);
      await trial.peer.lock(key, newKey(), LONG_LEASE);
      await trial.passSoon();
      await assertUnlocked(trial, key);
    },
  },
  {
    title: 'lock: ends by itself when the lease is over',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      await trial.store.lock(key, newKey(), trial.shortLease);
      await trial.passSoon();
      await assertUnlocked(trial, key);
      assertSession(await trial.store.get(key), session);
    },
  },
  {
    title: 'lock: without a session it is not acquired, and none is left behind',
    async prove(trial) {
      const key = newKey();
      const missing = { acquired: false, session: undefined };
      assert.deepEqual(await trial.store.lock(key, newKey(), LONG_LEASE), missing);
      await trial.store.create(key, newSession(trial.later()));
      await assertUnlocked(trial, key);
      await trial.store.delete(key);
      assert.deepEqual(await trial.store.lock(key, newKey(), LONG_LEASE), missing);
    },
  },
  {
    title: 'unlock: by its owner releases the lock',
    async prove(trial) {
      const { key, session } = await givenSession(trial, trial.later());
      const owner = newKey();
      await trial.store.lock(key, owner, LONG_LEASE);
      await trial.peer.unlock(key, owner);
      await assertUnlocked(trial, key);
      assertSession(await trial.store.get(key), session);
    },
  },
  {
    title: 'unlock: hands the lock to a successor, for its lease',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const [owner, successor] = [newKey(), 'a successor: 1 €'];
      await trial.store.lock(key, owner, LONG_LEASE);
      await trial.peer.unlock(key, owner, { owner: successor, leaseMs: LONG_LEASE });
      assert.equal((await trial.store.lock(key, newKey(), LONG_LEASE)).holder, successor);
      await trial.store.unlock(key, successor, { owner: newKey(), leaseMs: trial.shortLease });
      await trial.passSoon();
      await assertUnlocked(trial, key);
    },
  },
  {
    title: 'unlock: nobody but the owner hands it on',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const owner = newKey();
      await trial.store.unlock(key, newKey(), { owner: newKey(), leaseMs: LONG_LEASE });
      assert.equal((await trial.store.lock(key, owner, LONG_LEASE)).acquired, true);
      await trial.peer.unlock(key, newKey(), { owner: newKey(), leaseMs: LONG_LEASE });
      assert.equal((await trial.peer.lock(key, newKey(), LONG_LEASE)).holder, owner);
    },
  },
  {
    title: 'unlock: by anybody else changes nothing',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      await trial.store.unlock(key, newKey());
      await trial.store.unlock(newKey(), newKey());
      await trial.store.lock(key, newKey(), LONG_LEASE);
      await trial.store.unlock(key, newKey());
      await assertLocked(trial, key);
    },
  },
  {
    title: 'unlock: by an owner whose lease is over leaves the next owner its lock',
    async prove(trial) {
      const { key } = await givenSession(trial, trial.later());
      const [late, next] = [newKey(), newKey()];
      await trial.store.lock(key, late, trial.shortLease);
      await trial.passSoon();
      await trial.peer.lock(key, next, LONG_LEASE);
      await trial.store.unlock(key, late);
      await assertLocked(trial, key);
    },
  },
];
