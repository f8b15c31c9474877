import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cookieNames, cookieValues } from '../../lib/common/cookie-header.js';
import { anyText, holds, textOf } from './property.js';

const NAME = '__Host-sid';

/** Cookies as servers may write them (RFC 6265 §4.1.1). */
const name = fc.oneof(fc.constantFrom(NAME, 'sid', 'a', '__proto__'), fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,12}$/u));
const value = fc.stringMatching(/^[\u0021\u0023-\u002b\u002d-\u003a\u003c-\u005b\u005d-\u007e]{0,20}$/u);
const cookies = fc.array(fc.tuple(name, value), { maxLength: 8 });

/** A browser's `Cookie` header (RFC 6265 §5.4). */
const headerOf = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.map((pair) => pair.join('=')).join('; ');

const hostile = textOf([NAME, 'sid', '=', ';', '; ', ' ', ',', '"', '\t', '__proto__', 'x'.repeat(100)], 30);

describe('a cookie header', () => {
  it('gives every value of a name, in order, of any header that a browser can send [COK-05]', () => {
    holds(
      fc.property(cookies, (pairs) => {
        const expected = pairs.filter(([each]) => each === NAME).map(([, each]) => each);
        expect(cookieValues(headerOf(pairs), NAME)).toEqual(expected);
      }),
      700,
    );
  });

  it('gives the names with a prefix, each once, of any header that a browser can send', () => {
    holds(
      fc.property(cookies, (pairs) => {
        const expected = new Set(pairs.map(([each]) => each).filter((each) => each.startsWith('__')));
        expect(cookieNames(headerOf(pairs), '__')).toEqual([...expected]);
      }),
      700,
    );
  });

  it('gives no value that is not in it as name, equals sign and value [TYP-01]', () => {
    holds(
      fc.property(fc.oneof(hostile, anyText(200)), fc.oneof(fc.constant(NAME), name), (header, wanted) => {
        for (const found of cookieValues(header, wanted)) {
          expect(header).toContain(`${wanted}=${found}`);
          expect(found).not.toContain(';');
        }
        for (const found of cookieNames(header, wanted)) expect(header).toContain(`${found}`);
      }),
      1500,
    );
  });

  it('does not let one cookie hide another: of two headers joined it gives what both give [COK-05]', () => {
    holds(
      fc.property(hostile, hostile, (one, other) => {
        expect(cookieValues(`${one};${other}`, NAME)).toEqual([
          ...cookieValues(one, NAME),
          ...cookieValues(other, NAME),
        ]);
      }),
      700,
    );
  });

  it('is read in linear time, whatever it repeats [DOS-03]', () => {
    const timed = (header: string): number => {
      const started = process.hrtime.bigint();
      cookieValues(header, NAME);
      cookieNames(header, NAME);
      return Number(process.hrtime.bigint() - started) / 1e6;
    };
    // A quadratic reader takes minutes for these.
    holds(
      fc.property(hostile, (piece) =>
        expect(timed(piece.repeat(Math.ceil(200_000 / (piece.length + 1))))).toBeLessThan(1500),
      ),
      60,
    );
  });
});
