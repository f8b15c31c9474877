import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomToken } from '../../lib/common/random.js';
import type { SessionHead } from '../../lib/session/session.js';
import { tokenAge } from '../../lib/token/token-age.js';
import { CLAIMS, DAY, HOUR, MINUTE, SECOND } from '../session/given.js';

const ISSUED = Date.UTC(2026, 0, 1);
const LEEWAY = 5 * MINUTE;

function headOf(lifetimeMs: number | undefined): SessionHead {
  return {
    claims: CLAIMS,
    createdAt: ISSUED,
    absoluteExpiresAt: ISSUED + 7 * DAY,
    accessToken: {
      issuedAt: ISSUED,
      refreshable: true,
      ...(lifetimeMs === undefined ? {} : { expiresAt: ISSUED + lifetimeMs }),
    },
  };
}

function ageAt(afterMs: number, lifetimeMs: number | undefined, id = randomToken(), leeway = LEEWAY): string {
  return tokenAge(headOf(lifetimeMs), id, ISSUED + afterMs, leeway);
}

/** When a token becomes due, in milliseconds after it was issued. */
function dueAfter(lifetimeMs: number, id: string, leeway = LEEWAY): number {
  let [low, high] = [0, lifetimeMs];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (ageAt(middle, lifetimeMs, id, leeway) === 'fresh') low = middle + 1;
    else high = middle;
  }
  return low;
}

const ids = Array.from({ length: 200 }, randomToken);

describe('tokenAge', () => {
  it('is fresh, then due within the leeway, then expired', () => {
    expect(ageAt(0, HOUR)).toBe('fresh');
    expect(ageAt(HOUR - LEEWAY - SECOND, HOUR)).toBe('fresh');
    expect(ageAt(HOUR - 4 * MINUTE, HOUR)).toBe('due');
    expect(ageAt(HOUR, HOUR)).toBe('expired');
    expect(ageAt(DAY, HOUR)).toBe('expired');
  });

  it('is expired a few seconds early, for the way to the API', () => {
    expect(ageAt(HOUR - 3 * SECOND - 1, HOUR)).toBe('due');
    expect(ageAt(HOUR - 3 * SECOND, HOUR)).toBe('expired');
  });

  it('is expired no more than a tenth of a short lifetime early', () => {
    expect(ageAt(9 * SECOND - 1, 10 * SECOND)).toBe('due');
    expect(ageAt(9 * SECOND, 10 * SECOND)).toBe('expired');
  });

  it('is due within a third of a short lifetime, however long the leeway', () => {
    for (const id of ids) {
      expect(dueAfter(MINUTE, id)).toBeGreaterThanOrEqual(40 * SECOND);
      expect(dueAfter(MINUTE, id)).toBeLessThan(42 * SECOND);
    }
  });

  it('spreads by a few percent, so that sessions born together do not move in step', () => {
    const moments = ids.map((id) => dueAfter(HOUR, id));
    expect(Math.min(...moments)).toBeGreaterThanOrEqual(HOUR - LEEWAY);
    expect(Math.max(...moments)).toBeLessThanOrEqual(HOUR - 0.95 * LEEWAY);
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(0.01 * LEEWAY);
  });

  it('is always due at the same time for one session', () => {
    for (const id of ids) expect(dueAfter(HOUR, id)).toBe(dueAfter(HOUR, id));
  });

  it('is fresh for ever where the provider did not say how long the token lives [TOK-03]', () => {
    expect(ageAt(100 * DAY, undefined)).toBe('fresh');
  });

  it('is never due without a leeway', () => {
    expect(ageAt(HOUR - 3 * SECOND - 1, HOUR, undefined, 0)).toBe('fresh');
    expect(ageAt(HOUR - 3 * SECOND, HOUR, undefined, 0)).toBe('expired');
  });

  it('is expired at once without a lifetime', () => {
    expect(ageAt(0, 0)).toBe('expired');
  });

  it('only ever goes from fresh to due to expired', () => {
    const order = ['fresh', 'due', 'expired'];
    fc.assert(
      fc.property(fc.nat(DAY), fc.nat(DAY), fc.nat(DAY), fc.nat(HOUR), (lifetime, one, other, leeway) => {
        const id = 'a'.repeat(43);
        const [early, late] = [Math.min(one, other), Math.max(one, other)];
        expect(order.indexOf(ageAt(early, lifetime, id, leeway))).toBeLessThanOrEqual(
          order.indexOf(ageAt(late, lifetime, id, leeway)),
        );
      }),
    );
  });
});
