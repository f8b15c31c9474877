import { describe, expect, it } from '@jest/globals';
import { correlationId, jitter, randomToken } from '../../lib/common/random.js';

describe('randomToken', () => {
  it('is 256 bits in base64url, and never the same', () => {
    const tokens = Array.from({ length: 100 }, randomToken);
    for (const token of tokens) expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(tokens.every((token) => /^[\w-]{43}$/u.test(token))).toBe(true);
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});

describe('correlationId', () => {
  it('is short, and never the same', () => {
    const ids = Array.from({ length: 100 }, correlationId);
    expect(ids.every((id) => /^[\w-]{12}$/u.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('jitter', () => {
  it('stays within its spread', () => {
    for (let run = 0; run < 1000; run += 1) {
      const factor = jitter(0.2);
      expect(factor).toBeGreaterThanOrEqual(0.8);
      expect(factor).toBeLessThanOrEqual(1.2);
    }
  });
});
