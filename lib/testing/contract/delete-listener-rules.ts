import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { givenSession, newKey, type Rule, type Trial } from './trial.js';

/** What a listener on `peer` was told once the last of these deletions has been told, or nothing when it cannot listen. */
async function told({ store, peer }: Trial, act: () => Promise<string>): Promise<readonly string[] | undefined> {
  if (!peer.onDelete) return undefined;
  const messages = new EventEmitter();
  const keys: string[] = [];
  const stop = await peer.onDelete((key) => {
    keys.push(key);
    messages.emit('message');
  });
  const last = await act();
  while (!keys.includes(last)) await once(messages, 'message');
  stop();
  await store.delete(newKey());
  return keys;
}

/** `onDelete`, where a store has it. */
export const deleteListenerRules: readonly Rule[] = [
  {
    title: 'onDelete: tells of each session that delete removes, and of nothing else',
    async prove(trial) {
      const { store, later } = trial;
      const [one, other] = [await givenSession(trial, later()), await givenSession(trial, later())];
      const keys = await told(trial, async () => {
        await store.delete(newKey());
        await store.delete(one.key, 9);
        await store.touch(one.key, later(), later());
        await store.delete(one.key);
        await store.delete(one.key);
        await store.delete(other.key);
        return other.key;
      });
      if (keys) assert.deepEqual(keys, [one.key, other.key]);
    },
  },
];
