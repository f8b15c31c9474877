import { describe, expect, it, jest } from '@jest/globals';
import { SingleFlight } from '../../lib/common/single-flight.js';
import { deferred } from './deferred.js';

describe('SingleFlight', () => {
  it('runs the work once for all who ask while it runs', async () => {
    const flights = new SingleFlight<string>();
    const gate = deferred<string>();
    const work = jest.fn(() => gate.promise);
    const answers = Array.from({ length: 50 }, () => flights.run('key', work));
    gate.resolve('answer');
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['answer']));
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('runs the work of different keys apart', async () => {
    const flights = new SingleFlight<string>();
    const answers = ['a', 'b'].map((key) => flights.run(key, async () => key));
    expect(await Promise.all(answers)).toEqual(['a', 'b']);
  });

  it('runs the work again once it has settled, whatever its outcome', async () => {
    const flights = new SingleFlight<number>();
    await expect(flights.run('key', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await flights.run('key', async () => 2)).toBe(2);
    expect(await flights.run('key', async () => 3)).toBe(3);
  });

  it('shares a failure with all who asked', async () => {
    const flights = new SingleFlight<number>();
    const first = flights.run('key', () => Promise.reject(new Error('broken')));
    const second = flights.run('key', async () => 1);
    await expect(first).rejects.toThrow('broken');
    await expect(second).rejects.toThrow('broken');
  });

  it('names what is under way', async () => {
    const flights = new SingleFlight<number>();
    const running = flights.run('key', async () => 1);
    expect(flights.get('key')).toBe(running);
    await running;
    expect(flights.get('key')).toBeUndefined();
  });

  it('is not settled before what has begun meanwhile is', async () => {
    const flights = new SingleFlight<void>();
    const [first, second] = [deferred(), deferred()];
    void flights.run('a', () => first.promise).then(() => flights.run('b', () => second.promise));
    let settled = false;
    const waiting = flights.settled().then(() => (settled = true));
    first.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
    second.resolve();
    await waiting;
    expect(flights.get('b')).toBeUndefined();
  });

  it('is settled when everything under way is, and does not reject', async () => {
    const flights = new SingleFlight<void>();
    const gate = deferred<void>();
    const failed = flights.run('a', () => Promise.reject(new Error('broken')));
    void flights.run('b', () => gate.promise);
    failed.catch(() => undefined);
    let settled = false;
    const waiting = flights.settled().then(() => (settled = true));
    await Promise.resolve();
    expect(settled).toBe(false);
    gate.resolve();
    await waiting;
    expect(settled).toBe(true);
  });
});
