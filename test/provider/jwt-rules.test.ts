import { describe, expect, it } from '@jest/globals';
import { verifyJwt } from '../../lib/provider/jwt-rules.js';
import { IdTokenInvalidError } from '../../lib/provider/provider-errors.js';
import type { FindKey } from '../../lib/provider/provider-keys.js';
import { resolve } from '../options/valid-options.js';
import type { Json } from '../support/scripted-provider.js';
import { compactJws, newSigningKey, signatureBy } from '../support/signing-keys.js';

/** Most of these are checked by others too, before or after. This is the place that does not rely on it. */
describe('a token of the provider', () => {
  const options = resolve();
  const now = Date.UTC(2026, 0, 1);
  const key = newSigningKey('key-1');
  const findKey = (() => Promise.resolve(key.publicKey)) as unknown as FindKey;
  const honest = { iss: options.issuer, aud: options.clientId, iat: now / 1000, exp: now / 1000 + 60 };

  const verify = (bent: Json): Promise<unknown> => {
    const jwt = compactJws({ alg: key.alg }, { ...honest, ...bent }, signatureBy(key));
    return verifyJwt(jwt, { options, now, maxAge: 60, findKey }, IdTokenInvalidError);
  };

  it('is verified with its claims', async () => {
    expect(await verify({ sub: 'alice' })).toMatchObject({ payload: { ...honest, sub: 'alice' } });
  });

  it.each<[string, Json]>([
    ['iss', { iss: 'https://evil.example' }],
    ['iss', { iss: undefined }],
    ['aud', { aud: 'another-client' }],
    ['aud', { aud: undefined }],
    ['exp', { exp: undefined }],
    ['iat', { iat: undefined }],
  ])('is refused for its %s when its claims are %j [IDT-03] [IDT-04] [IDT-06] [IDT-07]', async (detail, bent) => {
    await expect(verify(bent)).rejects.toMatchObject({ code: 'id_token_invalid', detail });
  });
});
