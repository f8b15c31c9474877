import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomToken } from '../../lib/common/random.js';
import { sessionIdOf, sessionTokenOf } from '../../lib/session/session-token.js';
import { anyText, holds, textOf } from './property.js';

const NAME = 'sid';
const token = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const other = fc.stringMatching(/^[\w-]{1,8}=[\w-]{0,50}$/u).filter((pair) => !pair.startsWith(`${NAME}=`));

describe('the session cookie', () => {
  it('gives the token that was issued, among any other cookies', () => {
    holds(
      fc.property(token, fc.array(other, { maxLength: 5 }), fc.nat(5), (issued, others, position) => {
        const header = others.toSpliced(position, 0, `${NAME}=${issued}`).join('; ');
        expect(sessionTokenOf(header, NAME)).toBe(issued);
      }),
      400,
    );
  });

  it('gives nothing to ask the store for but 43 characters of base64url [SES-05]', () => {
    const hostile = textOf(
      [`${NAME}=`, randomToken(), randomToken().slice(1), ';', '; ', '=', '"', '\u0000', 'é', '%00'],
      6,
    );
    holds(
      fc.property(fc.oneof(hostile, anyText(120)), (header) => {
        expect(sessionTokenOf(header, NAME) ?? 'duplicate').toMatch(/^(?:duplicate|[\w-]{43})$/u);
      }),
      400,
    );
  });

  it('gives none of two, whatever is between them [COK-05]', () => {
    holds(
      fc.property(token, anyText(60), fc.array(other, { maxLength: 4 }), (issued, second, others) => {
        const header = [`${NAME}=${issued}`, ...others, `${NAME}=${second}`].join('; ');
        expect(sessionTokenOf(header, NAME)).toBe('duplicate');
      }),
      400,
    );
  });

  it('names the session by a hash: another one for another token, and not the token [SES-02]', () => {
    holds(
      fc.property(token, token, (one, another) => {
        expect(sessionIdOf(one) === sessionIdOf(another)).toBe(one === another);
        expect(sessionIdOf(one)).not.toBe(one);
      }),
      400,
    );
  });
});
