import { describe, expect, it } from '@jest/globals';
import { CoolDown, type Failure } from '../../lib/token/cool-down.js';
import { HOUR, MINUTE, SECOND } from '../session/given.js';
import { ControlledClock } from '../support/controlled-clock.js';

const TIMEOUT: Failure = { code: 'refresh_transient', reason: 'timeout', retryAfterMs: undefined };

function given() {
  const clock = new ControlledClock();
  return { clock, coolDown: new CoolDown(clock) };
}

describe('CoolDown', () => {
  it('lets a session that has not failed go on', () => {
    expect(given().coolDown.of('a')).toBeUndefined();
  });

  it('starts at a second and doubles to thirty, with ten percent of jitter [REF-07]', () => {
    const { coolDown } = given();
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      const waitMs = coolDown.start('a', TIMEOUT);
      expect(waitMs).toBeGreaterThanOrEqual(0.9 * seconds * SECOND);
      expect(waitMs).toBeLessThanOrEqual(1.1 * seconds * SECOND);
    }
  });

  it('says why and for how long', async () => {
    const { clock, coolDown } = given();
    const waitMs = coolDown.start('a', TIMEOUT);
    await clock.advance(100);
    expect(coolDown.of('a')).toMatchObject({ code: 'refresh_transient', reason: 'timeout' });
    expect(coolDown.of('a')?.remainingMs).toBeCloseTo(waitMs - 100);
  });

  it('is over after that time', async () => {
    const { clock, coolDown } = given();
    await clock.advance(coolDown.start('a', TIMEOUT));
    expect(coolDown.of('a')).toBeUndefined();
  });

  it('is over when the clock is set back, that of the provider, too', async () => {
    const { clock, coolDown } = given();
    coolDown.start('a', { ...TIMEOUT, retryAfterMs: MINUTE });
    await clock.advance(-HOUR);
    expect([coolDown.of('a'), coolDown.of('b')]).toEqual([undefined, undefined]);
  });

  it('is of the session that has failed only', () => {
    const { coolDown } = given();
    coolDown.start('a', TIMEOUT);
    expect(coolDown.of('b')).toBeUndefined();
  });

  it('starts at a second again after a success', async () => {
    const { coolDown } = given();
    for (let failures = 0; failures < 5; failures += 1) coolDown.start('a', TIMEOUT);
    coolDown.end('a');
    expect(coolDown.of('a')).toBeUndefined();
    expect(coolDown.start('a', TIMEOUT)).toBeLessThanOrEqual(1100);
  });

  it('is never shorter than the provider’s Retry-After, and holds for every session then', async () => {
    const { clock, coolDown } = given();
    expect(coolDown.start('a', { ...TIMEOUT, retryAfterMs: MINUTE })).toBe(MINUTE);
    expect(coolDown.of('b')?.remainingMs).toBe(MINUTE);
    await clock.advance(MINUTE - 1);
    expect(coolDown.of('b')).toBeDefined();
    await clock.advance(1);
    expect(coolDown.of('a')).toBeUndefined();
    expect(coolDown.of('b')).toBeUndefined();
  });

  it('holds for one session alone where the provider’s Retry-After is about it', () => {
    const { coolDown } = given();
    expect(coolDown.start('a', { ...TIMEOUT, retryAfterMs: MINUTE, reached: true })).toBe(MINUTE);
    expect(coolDown.of('a')?.remainingMs).toBe(MINUTE);
    expect(coolDown.of('b')).toBeUndefined();
  });

  it('does not stop every refresh for an absurd Retry-After', () => {
    const { coolDown } = given();
    expect(coolDown.start('a', { ...TIMEOUT, retryAfterMs: 1e12 })).toBe(5 * MINUTE);
  });

  it('is not cut short by a small Retry-After', () => {
    const { coolDown } = given();
    expect(coolDown.start('a', { ...TIMEOUT, retryAfterMs: 1 })).toBeGreaterThanOrEqual(900);
  });

  it('remembers no more than 10,000 sessions, and forgets the oldest', () => {
    const { coolDown } = given();
    for (let session = 0; session < 10_001; session += 1) coolDown.start(String(session), TIMEOUT);
    expect(coolDown.of('0')).toBeUndefined();
    expect(coolDown.of('1')).toBeDefined();
    expect(coolDown.of('10000')).toBeDefined();
  });

  it('forgets nobody for a session that it remembers already', () => {
    const { coolDown } = given();
    for (let session = 0; session < 10_000; session += 1) coolDown.start(String(session), TIMEOUT);
    coolDown.start('9999', TIMEOUT);
    expect(coolDown.of('0')).toBeDefined();
  });
});
