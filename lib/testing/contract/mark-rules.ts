import assert from 'node:assert/strict';
import { crowd, newKey, type Rule } from './trial.js';

/** `markUsed`. */
export const markRules: readonly Rule[] = [
  {
    title: 'markUsed: true for the first caller, false for every other',
    async prove({ store, peer, later }) {
      const key = newKey();
      assert.equal(await store.markUsed(key, later()), true);
      assert.equal(await store.markUsed(key, later()), false);
      assert.equal(await peer.markUsed(key, later()), false);
    },
  },
  {
    title: 'markUsed: of many callers at once exactly one is the first',
    async prove(trial) {
      const key = newKey();
      const answers = await crowd(trial, (store) => store.markUsed(key, trial.later()));
      assert.equal(answers.filter(Boolean).length, 1);
    },
  },
  {
    title: 'markUsed: keys do not influence each other',
    async prove({ store, later }) {
      assert.equal(await store.markUsed(newKey(), later()), true);
      assert.equal(await store.markUsed(newKey(), later()), true);
    },
  },
  {
    title: 'markUsed: the mark holds until its expiry, and no later call prolongs it',
    async prove(trial) {
      const { store, later } = trial;
      const [short, long] = [newKey(), newKey()];
      await store.markUsed(long, later());
      await store.markUsed(short, trial.soon());
      await store.markUsed(short, later());
      await trial.passSoon();
      assert.equal(await store.markUsed(short, later()), true);
      assert.equal(await store.markUsed(long, later()), false);
    },
  },
];
