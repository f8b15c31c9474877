import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { SharedDeadline } from '../../lib/common/shared-deadline.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { deferred } from './deferred.js';

class TooLate extends Error {}

function given() {
  const clock = new ControlledClock();
  const deadline = new SharedDeadline(clock, 1000);
  const begin = () => {
    const work = deferred<string>();
    const outcome = { value: 'waiting' };
    deadline
      .keep(work.promise, () => new TooLate('late'))
      .then(
        (value) => (outcome.value = value),
        (error: unknown) => (outcome.value = (error as Error).message),
      );
    return { work, outcome };
  };
  return { clock, begin };
}

const flush = () => new Promise((resolve) => setImmediate(resolve));

describe('SharedDeadline', () => {
  it('settles as the promise does when it is in time', async () => {
    const { clock, begin } = given();
    const [one, other] = [begin(), begin()];
    await clock.advance(999);
    one.work.resolve('done');
    other.work.reject(new Error('broken'));
    await flush();
    expect([one.outcome.value, other.outcome.value]).toEqual(['done', 'broken']);
  });

  it('rejects each when its own time has passed', async () => {
    const { clock, begin } = given();
    const first = begin();
    await clock.advance(400);
    const second = begin();
    const third = begin();
    second.work.resolve('done');
    await clock.advance(600);
    expect([first, second, third].map(({ outcome }) => outcome.value)).toEqual(['late', 'done', 'waiting']);
    await clock.advance(399);
    expect(third.outcome.value).toBe('waiting');
    await clock.advance(1);
    expect(third.outcome.value).toBe('late');
  });

  it('reads what came in while the process stood still before it misses anything', async () => {
    const timers: (() => void)[] = [];
    let now = 0;
    const schedule = (_delayMs: number, callback: () => void) => {
      timers.push(callback);
      return { cancel: () => undefined, unref: () => undefined };
    };
    const deadline = new SharedDeadline({ now: () => now, schedule }, 1000);
    const [answered, lost] = [deferred<string>(), deferred<string>()];
    const outcomes = [answered, lost].map(({ promise }) => deadline.keep(promise, () => new TooLate('late')));
    now = 5000;
    for (const fire of timers) fire();
    // As the loop of events goes on: what the network has brought comes after the timers.
    answered.resolve('done');
    const [first, second] = await Promise.allSettled(outcomes);
    expect(first).toMatchObject({ value: 'done' });
    expect(second).toMatchObject({ reason: expect.any(TooLate) });
  });

  it('takes a late answer for nothing', async () => {
    const { clock, begin } = given();
    const [one, other] = [begin(), begin()];
    await clock.advance(1000);
    one.work.resolve('done');
    other.work.reject(new Error('broken'));
    await flush();
    expect([one.outcome.value, other.outcome.value]).toEqual(['late', 'late']);
  });

  it('has one timer for all, and none when nothing was waited for at its end', async () => {
    const { clock, begin } = given();
    for (let count = 0; count < 100; count += 1) begin().work.resolve('done');
    expect(clock.pending).toBe(1);
    await clock.advance(1000);
    expect(clock.pending).toBe(0);
    const last = begin();
    await clock.advance(1000);
    expect(last.outcome.value).toBe('late');
  });

  it('is not much longer when the clock is set back', async () => {
    const { clock, begin } = given();
    const hour = 3_600_000;
    await clock.advance(hour);
    const before = begin();
    jest.spyOn(clock, 'now').mockImplementation(() => ControlledClock.prototype.now.call(clock) - hour);
    const after = begin();
    await clock.advance(2000);
    expect([before.outcome.value, after.outcome.value]).toEqual(['late', 'late']);
    expect(clock.pending).toBe(0);
  });

  it('is never early and never late, whatever comes when', async () => {
    const step = fc.record({ after: fc.nat({ max: 700 }), takes: fc.integer({ min: 0, max: 2000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const { clock, begin } = given();
        const begun = [];
        for (const { after, takes } of steps) {
          await clock.advance(after);
          const { work, outcome } = begin();
          clock.schedule(takes, () => work.resolve('done'));
          begun.push({ takes, outcome });
        }
        await clock.advance(2000);
        await flush();
        // At the very millisecond either may be first.
        for (const { takes, outcome } of begun.filter((entry) => entry.takes !== 1000)) {
          expect(outcome.value).toBe(takes < 1000 ? 'done' : 'late');
        }
      }),
      { numRuns: 50 },
    );
  });
});
