import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJsonObject } from '../../lib/provider/json-object.js';

const parse = (text: string): unknown => parseJsonObject(Buffer.from(text));

describe('an answer of the provider, read as a JSON object', () => {
  it('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ depthSize: 'medium' })), (value) => {
        const text = JSON.stringify(value);
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each(['[]', '"text"', '5', 'null', 'true', '', '{', '{"a":1}x', '<html></html>'])('is not %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each([
    ['at the top', '{"sub":"alice","sub":"mallory"}'],
    ['with the same value', '{"a":1, "a":1}'],
    ['deep inside', '{"a":[{"b":{"c":1,"d":2,"c":3}}]}'],
    ['after an object', '{"a":{"b":1},"a":2}'],
    ['in another spelling', String.raw`{"sub":"alice","\u0073ub":"mallory"}`],
    ['of no name', '{"":1,"":2}'],
    ['with blanks before the colon', '{"a" \n:1,"a"\t:2}'],
  ])('repeats no member %s', (_, text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each([
    ['in objects beside one another', '{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}'],
    ['as a value', '{"a":"a","b":"a"}'],
    ['inside a string', String.raw`{"a":"\"a\":1,\"a\":2 {[","b":"\\"}`],
    ['in another case', '{"a":1,"A":2}'],
  ])('may have a name again %s', (_, text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

  it('is nested 32 levels deep and no deeper [Numbers]', () => {
    expect(parse(nested(32))).toBeDefined();
    expect(parse(nested(33))).toBeUndefined();
    expect(parse(nested(500_000))).toBeUndefined();
  });

  it.each([
    ['one long string', (size: number) => ({ a: 'x'.repeat(size) })],
    ['a string of escapes', (size: number) => ({ a: '"'.repeat(size / 2) })],
    [
      'many members',
      (size: number) => Object.fromEntries(Array.from({ length: size / 12 }, (_, index) => [`m${index}`, 1])),
    ],
  ])('takes time in proportion to its size: %s', (_, ofSize) => {
    const [small, large] = [60_000, 16 * 60_000].map((size) => JSON.stringify(ofSize(size))) as [string, string];
    // In proportion is 16 times as long, by the square 256 times.
    expect(quickest(large) / quickest(small)).toBeLessThan(100);
  });
});

/** How long it takes when nothing else gets in the way. */
function quickest(text: string): number {
  const tries = Array.from({ length: 7 }, () => {
    const start = performance.now();
    expect(parse(text)).toBeDefined();
    return performance.now() - start;
  });
  return Math.min(...tries);
}
