import { AssertionError } from 'node:assert/strict';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { MemorySessionStore, type SessionStore } from 'nest-oidc';
import { sessionStoreContract, TestClock, type SessionStoreHarness } from 'nest-oidc/testing';

const HINT = /`now` is missing/u;

/** What the rules say that this store breaks, one after the other as a test runner has them. */
async function failuresOf(harness: SessionStoreHarness): Promise<AssertionError[]> {
  const failures: AssertionError[] = [];
  for (const { run } of sessionStoreContract(harness)) {
    await run().catch((error: unknown) => failures.push(error as AssertionError));
  }
  return failures;
}

/** Keeps for ever what it marks. */
class BrokenStore extends MemorySessionStore {
  override markUsed: SessionStore['markUsed'] = (key) => super.markUsed(key, Number.MAX_SAFE_INTEGER);
}

describe('a rule of the contract that a store breaks', () => {
  afterEach(() => void jest.useRealTimers());

  it('names the likely cause when `advance` moves a clock of which `now` does not tell', async () => {
    const clock = new TestClock(0);
    const failures = await failuresOf({
      createStore: () => new MemorySessionStore({}, clock),
      advance: (ms) => clock.advance(ms),
    });
    expect(failures.length).toBeGreaterThan(1);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(AssertionError);
      expect(failure.message).toMatch(HINT);
    }
  });

  it('keeps what it was about', async () => {
    const clock = new TestClock(0);
    const harness = {
      createStore: () => new MemorySessionStore({}, clock),
      advance: (ms: number) => clock.advance(ms),
    };
    const [failure] = await failuresOf(harness);
    expect(failure?.message).toMatch(/^get\n/u);
    expect(failure).toMatchObject({ expected: undefined, operator: 'strictEqual' });
  });

  it('names no such cause when `now` tells the time, or `advance` really waits', async () => {
    const clock = new TestClock();
    const moved = await failuresOf({
      createStore: () => new BrokenStore({}, clock),
      advance: (ms) => clock.advance(ms),
      now: () => clock.now(),
    });
    jest.useFakeTimers({ now: clock.now() });
    const waited = await failuresOf({
      createStore: () => new BrokenStore(),
      advance: (ms) => jest.advanceTimersByTime(ms),
    });
    expect([moved.length, waited.length]).toEqual([1, 1]);
    for (const { message } of [...moved, ...waited]) expect(message).not.toMatch(HINT);
  });
});
