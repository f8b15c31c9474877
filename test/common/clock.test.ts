import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { sleep, systemClock, withDeadline } from '../../lib/common/clock.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { deferred } from './deferred.js';

class TooLate extends Error {}

describe('withDeadline', () => {
  const unhandled = jest.fn();
  beforeEach(() => void process.on('unhandledRejection', unhandled));
  afterEach(() => {
    process.off('unhandledRejection', unhandled);
    unhandled.mockClear();
  });

  function given() {
    const clock = new ControlledClock();
    const work = deferred<string>();
    const result = withDeadline(clock, 1000, work.promise, () => new TooLate());
    return { clock, work, result };
  }

  it('settles as the promise does when it is in time', async () => {
    const { clock, work, result } = given();
    await clock.advance(999);
    work.resolve('in time');
    expect(await result).toBe('in time');
  });

  it('rejects as the promise does when it is in time', async () => {
    const { work, result } = given();
    work.reject(new Error('broken'));
    await expect(result).rejects.toThrow('broken');
  });

  it('rejects with the deadline’s error once it has passed', async () => {
    const { clock, result } = given();
    const outcome = expect(result).rejects.toBeInstanceOf(TooLate);
    await clock.advance(1000);
    await outcome;
  });

  it('leaves no timer behind', async () => {
    for (const outcome of ['done', new Error('broken')]) {
      const { clock, work, result } = given();
      const settled = result.catch(() => undefined);
      if (typeof outcome === 'string') work.resolve(outcome);
      else work.reject(outcome);
      await settled;
      expect(clock.pending).toBe(0);
    }
  });

  it('takes a late failure without an unhandled rejection', async () => {
    const { clock, work, result } = given();
    const outcome = expect(result).rejects.toBeInstanceOf(TooLate);
    await clock.advance(1000);
    await outcome;
    work.reject(new Error('late'));
    await setImmediate();
    await setImmediate();
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe('sleep', () => {
  it('ends when the time has passed, not before', async () => {
    const clock = new ControlledClock();
    let awake = false;
    const sleeping = sleep(clock, 100).then(() => (awake = true));
    await clock.advance(99);
    expect(awake).toBe(false);
    await clock.advance(1);
    await sleeping;
    expect(awake).toBe(true);
  });
});

describe('systemClock', () => {
  it('tells the time in epoch milliseconds', () => {
    const before = Date.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
    expect(systemClock.now()).toBeLessThanOrEqual(Date.now());
  });

  it('runs what is scheduled', async () => {
    await sleep(systemClock, 0);
  });

  it('does not run what is cancelled', async () => {
    const callback = jest.fn();
    const timer = systemClock.schedule(0, callback);
    timer.unref();
    timer.cancel();
    await sleep(systemClock, 5);
    expect(callback).not.toHaveBeenCalled();
  });
});
