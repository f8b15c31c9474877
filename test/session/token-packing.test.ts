import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Claims } from '../../lib/common/claims.js';
import type { TokenSecrets } from '../../lib/session/session.js';
import { packTokens, unpackTokens } from '../../lib/session/token-packing.js';
import { CLAIMS } from './given.js';

const bytes = (length: number, seed: string): Buffer =>
  createHash('shake256', { outputLength: length }).update(seed).digest();
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object): string =>
  `${part({ alg: 'RS256', kid: 'k' })}.${part(claims)}.${bytes(256, part(claims)).toString('base64url')}`;
const secrets = (given: Partial<TokenSecrets> = {}): TokenSecrets => ({
  tokenType: 'Bearer',
  accessToken: 'AT-1',
  refreshToken: undefined,
  idToken: undefined,
  ...given,
});

const withOthers = (others: object): Claims => ({ ...CLAIMS, ...others });

/** What comes out is what went in: a provider sees its tokens to the last character. */
function expectKept(given: TokenSecrets, claims = CLAIMS): void {
  expect(unpackTokens(packTokens(given, claims), claims)).toEqual(given);
}

describe('packed tokens', () => {
  it.each([
    ['a JWT', jwt({ sub: 'alice' })],
    ['a JWT with claims in other scripts', jwt({ name: 'Ærøskøbing 東京 🚲' })],
    ['an encrypted JWT, with no key in it (RFC 7516 §3.1)', `${part({ alg: 'dir' })}..aXY.Y2lwaGVy.dGFn`],
    ['bytes in base64url', bytes(48, 'x').toString('base64url')],
    ['base64 with padding', `${bytes(40, 'y').toString('base64')}==`],
    ['base64url with bits to spare that are not zero', 'AB'],
    ['base64url of JSON that is not UTF-8', Buffer.from([0x7b, 0xff, 0xfe]).toString('base64url')],
    ['half a character', '\ud800'],
    ['dots', '..'],
    ['nothing', ''],
    ['what looks like a shape', '[1,-2]'],
    ['a line break', 'one\ntwo'],
  ])('keeps %s as it is', (_what, token) => {
    expectKept(secrets({ accessToken: token, refreshToken: token, idToken: token }));
  });

  it('keeps any token as it is', () => {
    const token = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[\w-]*(?:\.[\w-]*){0,4}$/u),
      fc.object().map(jwt),
      fc.uint8Array().map((value) => Buffer.from(value).toString('base64url')),
    );
    const optional = fc.option(token, { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({ tokenType: fc.string(), accessToken: token, refreshToken: optional, idToken: optional }),
        fc.dictionary(fc.string(), fc.jsonValue()).map(withOthers),
        expectKept,
      ),
    );
  });

  it('keeps tokens whose claims are larger than what is compressed at a time', () => {
    const claims = { ...CLAIMS, groups: Array.from({ length: 8000 }, (_, index) => `group-${(index * 7919) % 8000}`) };
    expectKept(secrets({ idToken: jwt(claims) }), claims);
  });

  it('takes little more than the signatures, and what the user’s claims do not say', () => {
    const claims = { ...CLAIMS, name: 'Alice Liddell', email: 'alice@example.com', roles: ['reader', 'editor'] };
    const given = secrets({ idToken: jwt(claims), accessToken: jwt({ ...claims, aud: 'api' }) });
    expect(packTokens(given, claims).length).toBeLessThan(2 * 256 + 100);
  });

  it('is not mistaken for what somebody else has made', () => {
    expect(unpackTokens(Buffer.alloc(0), CLAIMS)).toBeUndefined();
    expect(unpackTokens(Buffer.from('{"accessToken":"AT-1"}'), CLAIMS)).toBeUndefined();
  });

  it('does not change from release to release: the sessions of users are packed with it', () => {
    const claims = { iss: 'https://op.example', sub: 'alice' };
    const given = secrets({ idToken: `${part({ alg: 'none' })}.${part(claims)}.c2ln`, refreshToken: 'half/+' });
    const packed = Buffer.from('AAAAKCPKJbrGGA5QykjMSdPXVkJ2g6GJjomRjq4x2AGQIMjLz0sFWUKscwABP7VzaWc', 'base64url');
    expect(unpackTokens(packed, claims)).toEqual(given);
  });
});
