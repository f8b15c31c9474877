import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createLocalJWKSet, type JWK } from 'jose';
import { IdTokenValidator } from '../../lib/provider/id-token.js';
import { IdTokenInvalidError } from '../../lib/provider/provider-errors.js';
import type { ProviderKeys } from '../../lib/provider/provider-keys.js';
import { resolve } from '../options/valid-options.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { compactJws, newSigningKey, signatureBy } from '../support/signing-keys.js';
import { anyJson, anyMembers, anyText, holdsInTime, objectOf, textOf } from './property.js';

const clock = new ControlledClock();
const now = clock.now() / 1000;
const key = newSigningKey('key-1', 'ES256');
const keys = { find: createLocalJWKSet({ keys: [key.jwk as unknown as JWK] }) } as unknown as ProviderKeys;
const validator = new IdTokenValidator(resolve({ idToken: { signingAlgorithms: ['ES256'] } }), clock, keys);
const CHECKS = { accessToken: 'AT', nonce: 'n-1', authenticatedSince: undefined };
const HEADER = { alg: 'ES256', kid: 'key-1' };
const CLAIMS = { iss: 'https://login.example.com', sub: 'alice', aud: 'app', exp: now + 300, iat: now, nonce: 'n-1' };

const signed = (header: object, claims: unknown): string => compactJws(header, claims, signatureBy(key));
const part = fc.oneof(
  anyText(40),
  anyJson.map((value) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url')),
  fc.constantFrom('', 'e30', 'bnVsbA', Buffer.from('{"alg":"none"}').toString('base64url')),
);

/** `undefined` when it is accepted, otherwise what is thrown. */
const refusal = (idToken: string): Promise<unknown> =>
  validator.validate(idToken, CHECKS).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('an ID token', () => {
  it('is accepted as it should be', async () => {
    expect(await refusal(signed(HEADER, CLAIMS))).toBeUndefined();
  });

  it('that is any text is refused with one error and no other [ERR-01] [TYP-01]', async () => {
    const text = fc.oneof(
      anyText(200),
      fc.tuple(part, part, part).map((parts) => parts.join('.')),
      textOf(['.', '..', 'e30', 'eyJhbGciOiJub25lIn0', '=', ' ', '\n', '.'.repeat(1000), 'A'.repeat(70_000)]),
    );
    await holdsInTime(
      fc.asyncProperty(text, async (idToken) => expect(await refusal(idToken)).toBeInstanceOf(IdTokenInvalidError)),
      250,
    );
  });

  it('with one character changed is refused [IDT-01]', async () => {
    const good = signed(HEADER, CLAIMS);
    // The last character of a part has bits that stand for nothing.
    const inner = fc.nat(good.length - 1).filter((at) => at !== good.length - 1 && good[at + 1] !== '.');
    await holdsInTime(
      fc.asyncProperty(inner, fc.constantFrom(...'AZaz09-_.=%'), async (at, character) => {
        fc.pre(good[at] !== character);
        expect(await refusal(good.slice(0, at) + character + good.slice(at + 1))).toBeInstanceOf(IdTokenInvalidError);
      }),
      250,
    );
  });

  it('that is well signed but says anything is refused with that error, or says what it must [TYP-01] [IDT-09]', async () => {
    const names = fc.constantFrom(
      'iss',
      'sub',
      'aud',
      'exp',
      'iat',
      'nbf',
      'nonce',
      'azp',
      'at_hash',
      'events',
      'auth_time',
    );
    const bent = fc
      .tuple(anyMembers, fc.array(fc.tuple(names, anyJson), { maxLength: 3 }))
      .map(([members, bends]) => objectOf([...Object.entries(members), ...Object.entries(CLAIMS), ...bends]));
    await holdsInTime(
      fc.asyncProperty(bent, async (claims) => {
        const error = await refusal(signed(HEADER, claims));
        if (error !== undefined) return expect(error).toBeInstanceOf(IdTokenInvalidError);
        expect(claims).toMatchObject({ iss: CLAIMS.iss, nonce: CLAIMS.nonce });
        expect([claims['aud']].flat()).toEqual(['app']);
        expect(claims['sub']).toMatch(/^\P{Cc}{1,255}$/u);
      }),
      250,
    );
  });

  it('with any header is refused with that error, or was signed as it says [IDT-02] [IDT-13] [IDT-14]', async () => {
    const names = fc.constantFrom('alg', 'typ', 'kid', 'crit', 'jku', 'jwk', 'b64', 'zip');
    const bent = fc
      .array(fc.tuple(names, anyJson), { maxLength: 3 })
      .map((bends) => objectOf([...Object.entries(HEADER), ...bends]));
    await holdsInTime(
      fc.asyncProperty(bent, async (header) => {
        const error = await refusal(signed(header, CLAIMS));
        if (error !== undefined) return expect(error).toBeInstanceOf(IdTokenInvalidError);
        expect(header).toMatchObject({ alg: 'ES256' });
      }),
      250,
    );
  });
});
