import { describe, expect, it, jest } from '@jest/globals';
import { SharedReads } from '../../lib/session/shared-reads.js';
import type { FoundSession, SessionStore } from '../../lib/store/session-store.js';
import { deferred } from '../common/deferred.js';

function given(get: SessionStore['get']) {
  const asked = jest.fn(get);
  return { asked, reads: new SharedReads({ get: asked } as unknown as SessionStore) };
}

const session = (generation: number): FoundSession => ({
  data: Buffer.from('sealed'),
  generation,
  expiresAt: 2,
  lastSeenAt: 1,
});

describe('SharedReads', () => {
  it('asks the store once for all who ask in one go, and once for each session', async () => {
    const { asked, reads } = given(async (key) => session(key.length));
    const answers = ['a', 'bb', 'a', 'bb', 'a'].map((key) => reads.get(key));
    expect(asked.mock.calls).toEqual([['a'], ['bb']]);
    const found = await Promise.all(answers);
    expect(found.map((one) => one?.generation)).toEqual([1, 2, 1, 2, 1]);
  });

  it('shares with all that are let go together, and with nobody whom one of them has waited for', async () => {
    const { asked, reads } = given(async () => session(1));
    const go = Promise.resolve();
    const answers = [1, 2, 3].map(() => go.then(() => reads.get('a')));
    const later = go.then(() => reads.get('a')).then(() => reads.get('a'));
    await Promise.all([...answers, later]);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('shares no read that is under way with who asks later', async () => {
    const underWay = deferred<FoundSession>();
    const answers = [underWay.promise, Promise.resolve(undefined)];
    const { reads } = given(() => answers.shift());
    const first = reads.get('a');
    await Promise.resolve();
    expect(await reads.get('a')).toBeUndefined();
    underWay.resolve(session(1));
    expect(await first).toEqual(session(1));
  });

  it('is held up by no test’s fake timers', async () => {
    jest.useFakeTimers();
    try {
      const { asked, reads } = given(async () => session(1));
      await reads.get('a');
      await reads.get('a');
      expect(asked).toHaveBeenCalledTimes(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it('tells all who have asked of a failure, and asks again for the next one', async () => {
    const { asked, reads } = given(() => Promise.reject(new Error('ECONNRESET')));
    const answers = await Promise.allSettled([reads.get('a'), reads.get('a')]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(reads.get('a')).rejects.toThrow('ECONNRESET');
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('runs a query once that a store answers with, for all who await it', async () => {
    let runs = 0;
    // oxlint-disable-next-line unicorn/no-thenable -- as some libraries have it
    const query = { then: (resolve: (found: FoundSession) => void) => resolve(session((runs += 1))) };
    const { reads } = given(() => query as unknown as Promise<FoundSession>);
    const found = await Promise.all([reads.get('a'), reads.get('a')]);
    expect(found.map((one) => one?.generation)).toEqual([1, 1]);
    expect(runs).toBe(1);
  });

  it('asks the store each time where it answers at once', () => {
    const answers = [session(1), undefined];
    const { reads } = given(() => answers.shift());
    expect([reads.get('a'), reads.get('a')]).toEqual([session(1), undefined]);
  });
});
