import { describe, expect, it } from '@jest/globals';
import { problemsOf, resolve, type Loose } from './valid-options.js';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** The option, its default and its bounds. Seconds. */
const NUMBERS: readonly (readonly [string, number | undefined, number, number])[] = [
  ['login.lifetime', 600, 60, 1800],
  ['login.maxAge', undefined, 0, 365 * DAY],
  ['idToken.clockTolerance', 30, 0, 60],
  ['session.idleTimeout', DAY, 1, 7 * DAY],
  ['session.absoluteLifetime', 7 * DAY, 1, 30 * DAY],
  ['refresh.leeway', 300, 0, HOUR],
  ['refresh.waitTimeout', 10, 1, 60],
  ['refresh.lease', 40, 15, 300],
  ['provider.timeout', 10, 1, 30],
  ['provider.metadataLifetime', DAY, 60, DAY],
  ['provider.keysLifetime', 600, 60, 600],
];

describe('the number', () => {
  const given = (option: string, value: unknown): Loose => {
    const [group = '', name = ''] = option.split('.');
    return { [group]: { [name]: value } };
  };

  const valueOf = (option: string, changes: Loose = {}): unknown => {
    const [group, name] = option.split('.');
    return (resolve(changes)[group as 'login'] as unknown as Loose)[name as string];
  };

  it.each(NUMBERS)('%s is %p seconds by default', (option, fallback) => {
    expect(valueOf(option)).toBe(fallback);
  });

  it.each(NUMBERS)('%s, %p by default, may be as little as %i and as much as %i', (option, _fallback, min, max) => {
    expect(valueOf(option, given(option, min))).toBe(min);
    expect(valueOf(option, given(option, max))).toBe(max);
  });

  it.each(NUMBERS)('%s, %p by default, may be no less than %i and no more than %i', (option, _fallback, min, max) => {
    for (const value of [min - 1, max + 1, -1, Number.NaN, Number.POSITIVE_INFINITY, String(min), null, true]) {
      expect(problemsOf(given(option, value))).toEqual([expect.stringMatching(new RegExp(`^${option}: `, 'u'))]);
    }
  });

  it('refresh.lease is at least five seconds more than a request to the provider may take, thirty by default', () => {
    expect(resolve({ provider: { timeout: 30 } }).refresh.lease).toBe(60);
    expect(problemsOf({ provider: { timeout: 30 }, refresh: { lease: 35 } })).toEqual([]);
    expect(problemsOf({ provider: { timeout: 30 }, refresh: { lease: 34 } })).toEqual([
      'refresh.lease: must be a number of seconds from 35 to 300',
    ]);
  });

  it('session.idleTimeout is never more than the absolute lifetime', () => {
    expect(resolve({ session: { absoluteLifetime: HOUR } }).session.idleTimeout).toBe(HOUR);
    expect(problemsOf({ session: { absoluteLifetime: HOUR, idleTimeout: HOUR + 1 } })).toHaveLength(1);
  });

  it('of characters in a secret is 32 at least [CFG-04]', () => {
    const secret = 'hF3-kq9Zx_2vLw8RtYbN5sMd7PgJc0Ae';
    expect(secret).toHaveLength(32);
    expect(problemsOf({ secret })).toEqual([]);
    expect(problemsOf({ secret: secret.slice(1) })).toHaveLength(1);
  });
});
