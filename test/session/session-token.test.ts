import { describe, expect, it } from '@jest/globals';
import { randomToken } from '../../lib/common/random.js';
import { sessionIdOf, sessionTokenOf } from '../../lib/session/session-token.js';

describe('sessionTokenOf', () => {
  const token = randomToken();

  it('reads the token out of the cookie', () => {
    expect(sessionTokenOf(`theme=dark; __Host-sid=${token}; lang=cs`, '__Host-sid')).toBe(token);
  });

  it.each([
    ['no header', undefined],
    ['no such cookie', 'sid=x'],
    ['an empty value', '__Host-sid='],
    ['a value that is too short', `__Host-sid=${token.slice(1)}`],
    ['a value that is too long', `__Host-sid=${token}x`],
    ['a value of another alphabet', `__Host-sid=${token.slice(1)}+`],
    ['a value of another alphabet', `__Host-sid=${token.slice(1)}é`],
    ['a quoted value', `__Host-sid="${token}"`],
    ['a value with a control character', `__Host-sid=${token}\u000bx`],
  ])('finds no token in %s [SES-05]', (_what, header) => {
    expect(sessionTokenOf(header, '__Host-sid')).toBeUndefined();
  });

  it('calls a second cookie of the name a duplicate, also when both are the same [COK-05]', () => {
    expect(sessionTokenOf(`__Host-sid=${token}; __Host-sid=${randomToken()}`, '__Host-sid')).toBe('duplicate');
    expect(sessionTokenOf(`__Host-sid=${token}; __Host-sid=${token}`, '__Host-sid')).toBe('duplicate');
    expect(sessionTokenOf(`__Host-sid=${token}; __Host-sid=`, '__Host-sid')).toBe('duplicate');
  });
});

describe('sessionIdOf', () => {
  it('is a SHA-256 hash in base64url, which does not tell the token [SES-02]', () => {
    expect(sessionIdOf('x'.repeat(43))).toBe('zAscLGbzu5_RoIHGJrob72L2-WRBpDvhUmhSN3asJqE');
    expect(sessionIdOf(randomToken())).toMatch(/^[\w-]{43}$/u);
  });
});
