import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cookieNames, cookieValues } from '../../lib/common/cookie-header.js';

/** As RFC 6265 §4.2.1 spells the header: pairs between semicolons. */
function referencePairs(header: string): (readonly [name: string, value: string])[] {
  return header
    .split(';')
    .map((pair) => pair.replace(/^ +/u, ''))
    .filter((pair) => pair.includes('='))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1).trimEnd()]);
}

const header = fc
  .array(fc.constantFrom('sid', 'si', 'sidd', 'a', '=', '=', ';', '; ', ' ', '"', 'x'), { maxLength: 40 })
  .map((parts) => parts.join(''));

describe('cookieValues', () => {
  it('agrees with a simple parser on any header', () => {
    fc.assert(
      fc.property(header, (text) => {
        const expected = referencePairs(text).filter(([name]) => name === 'sid');
        expect(cookieValues(text, 'sid')).toEqual(expected.map(([, value]) => value));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds nothing without a header', () => {
    expect(cookieValues(undefined, 'sid')).toEqual([]);
    expect(cookieValues('', 'sid')).toEqual([]);
  });

  it('finds every value of a name that comes twice, in order', () => {
    expect(cookieValues('sid=one; other=x; sid=two', 'sid')).toEqual(['one', 'two']);
  });

  it('does not take a longer name, or a value, for the name', () => {
    expect(cookieValues('xsid=1; sidx=2; other=sid=3; SID=4', 'sid')).toEqual([]);
  });

  it('keeps equals signs in a value', () => {
    expect(cookieValues('sid=a=b==', 'sid')).toEqual(['a=b==']);
  });

  it('takes no more than linear time on a hostile header [DOS-03]', () => {
    const size = 200_000;
    const started = process.hrtime.bigint();
    for (const hostile of ['sid', 'sid=', ';', '; sid', ' ', 'sid;']) {
      cookieValues(hostile.repeat(size), 'sid');
    }
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(5_000);
  });
});

describe('cookieNames', () => {
  it('lists the names with a prefix, each once, in order', () => {
    expect(cookieNames('tx.b=1; sid=2; tx.a=3; tx.b=4', 'tx.')).toEqual(['tx.b', 'tx.a']);
  });

  it('finds nothing without a header', () => {
    expect(cookieNames(undefined, 'tx.')).toEqual([]);
  });

  it('agrees with a simple parser on any header whose pairs are complete', () => {
    const pair = fc.tuple(fc.constantFrom('sid', 'si', 'sidd', 'a'), fc.constantFrom('', 'x', 'sid', '='));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 8 }), (pairs) => {
        const text = pairs.map(([name, value]) => `${name}=${value}`).join('; ');
        const expected = pairs.map(([name]) => name).filter((name) => name.startsWith('sid'));
        expect(cookieNames(text, 'sid')).toEqual([...new Set(expected)]);
      }),
    );
  });
});
