import assert from 'node:assert/strict';
import { crowd, givenSession, newKey, type Rule, type Trial } from './trial.js';

async function assertMembers({ store, peer }: Trial, key: string, expected: readonly string[]): Promise<void> {
  for (const instance of [store, peer]) {
    assert.deepEqual([...(await instance.members(key))].sort(), [...expected].sort(), 'members');
  }
}

/** `addMember`, `members`, `removeMember`. */
export const setRules: readonly Rule[] = [
  {
    title: 'members: none of a set that nobody has added to',
    prove: (trial) => assertMembers(trial, newKey(), []),
  },
  {
    title: 'addMember: what was added is there, once',
    async prove(trial) {
      const { store, later } = trial;
      const [key, longest] = [newKey(), '~'.repeat(128)];
      await store.addMember(key, 'one', later());
      await store.addMember(key, longest, later());
      await store.addMember(key, 'one', later());
      await assertMembers(trial, key, ['one', longest]);
    },
  },
  {
    title: 'addMember: of many calls at once none is lost',
    async prove(trial) {
      const key = newKey();
      const added = await crowd(trial, async (store, index) => {
        await store.addMember(key, `member ${index}`, trial.later());
        return `member ${index}`;
      });
      await assertMembers(trial, key, added);
    },
  },
  {
    title: 'addMember: sets do not influence each other, nor a session of the same key',
    async prove(trial) {
      const { store, later } = trial;
      const { key } = await givenSession(trial, later());
      await store.addMember(key, 'one', later());
      await store.addMember(newKey(), 'two', later());
      await assertMembers(trial, key, ['one']);
      assert.equal(await store.delete(key), true);
      await assertMembers(trial, key, ['one']);
      assert.equal(await store.markUsed(key, later()), true);
    },
  },
  {
    title: 'members: each ends at its own time',
    async prove(trial) {
      const { store, later } = trial;
      const key = newKey();
      await store.addMember(key, 'long', later());
      await store.addMember(key, 'short', trial.soon());
      await trial.passSoon();
      await assertMembers(trial, key, ['long']);
      await store.addMember(key, 'other', later());
      await assertMembers(trial, key, ['long', 'other']);
    },
  },
  {
    title: 'addMember: a member that is added again ends at the new time, earlier or later',
    async prove(trial) {
      const { store, later } = trial;
      const key = newKey();
      await store.addMember(key, 'longer', trial.soon());
      await store.addMember(key, 'longer', later());
      await store.addMember(key, 'shorter', later());
      await store.addMember(key, 'shorter', trial.soon());
      await trial.passSoon();
      await assertMembers(trial, key, ['longer']);
    },
  },
  {
    title: 'removeMember: removes that member and no other, and nothing where it is not',
    async prove(trial) {
      const { store, peer, later } = trial;
      const key = newKey();
      await store.addMember(key, 'one', later());
      await store.addMember(key, 'two', later());
      await peer.removeMember(key, 'one');
      await peer.removeMember(key, 'three');
      await peer.removeMember(newKey(), 'one');
      await assertMembers(trial, key, ['two']);
      await store.removeMember(key, 'two');
      await assertMembers(trial, key, []);
      await store.addMember(key, 'two', later());
      await assertMembers(trial, key, ['two']);
    },
  },
];
