import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { OidcConfigurationError } from '../../lib/common/errors.js';
import { clientAuthentication } from '../../lib/provider/client-authentication.js';
import { resolve, type Loose } from '../options/valid-options.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const JWK = privateKey.export({ format: 'jwk' });

const signed = (clientPrivateKey: Loose): Loose => ({
  clientSecret: undefined,
  clientAuthentication: 'private_key_jwt',
  clientPrivateKey,
});

/** What the token endpoint gets, beside the grant. */
async function proofOf(changes: Loose): Promise<{ readonly body: URLSearchParams; readonly headers: Headers }> {
  const options = resolve(changes);
  const authenticate = await clientAuthentication(options);
  const body = new URLSearchParams();
  const headers = new Headers();
  await authenticate({ issuer: options.issuer }, { client_id: options.clientId }, body, headers);
  return { body, headers };
}

async function assertionHeaderOf(changes: Loose): Promise<unknown> {
  const assertion = (await proofOf(changes)).body.get('client_assertion') ?? '';
  return JSON.parse(Buffer.from(assertion.split('.')[0] ?? '', 'base64url').toString());
}

describe('the client proves who it is', () => {
  it('in the Authorization header with client_secret_basic', async () => {
    const { body, headers } = await proofOf({ clientAuthentication: 'client_secret_basic' });
    expect(headers.get('authorization')).toMatch(/^Basic /u);
    expect(body.has('client_secret')).toBe(false);
  });

  it('in the body with client_secret_post', async () => {
    const { body, headers } = await proofOf({ clientAuthentication: 'client_secret_post' });
    expect(body.get('client_secret')).toBe('client-secret');
    expect(headers.has('authorization')).toBe(false);
  });

  it('by nothing but its name with none', async () => {
    const { body, headers } = await proofOf({ clientSecret: undefined, clientAuthentication: 'none' });
    expect([...body.keys()]).toEqual(['client_id']);
    expect(headers.has('authorization')).toBe(false);
  });

  it.each([
    ['a PEM without more', { key: PEM }, { alg: 'RS256' }],
    ['a PEM with an id and an algorithm', { key: PEM, keyId: 'k', algorithm: 'PS256' }, { alg: 'PS256', kid: 'k' }],
    ['a JWK that says both itself', { key: { ...JWK, alg: 'PS256', kid: 'own' } }, { alg: 'PS256', kid: 'own' }],
    ['a JWK that the options overrule', { key: { ...JWK, kid: 'own' }, keyId: 'k' }, { alg: 'RS256', kid: 'k' }],
  ])('by a signature of %s', async (_what, key, header) => {
    const { typ: _typ, ...named } = (await assertionHeaderOf(signed(key))) as Record<string, unknown>;
    expect(named).toEqual(header);
  });
});

describe('a private key that cannot be used stops the start, and is not repeated', () => {
  it.each([
    ['a key that is missing', undefined],
    ['a PEM that is cut short', { key: PEM.slice(0, 200) }],
    ['a JWK of another kind than its algorithm', { key: JWK, algorithm: 'ES256' }],
  ])('%s', async (_what, clientPrivateKey) => {
    const options = { ...resolve(signed({ key: PEM })), clientPrivateKey };
    const failure: unknown = await clientAuthentication(options as never).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OidcConfigurationError);
    expect((failure as OidcConfigurationError).problems).toEqual([
      expect.stringMatching(/^clientPrivateKey: cannot be read as a private key for (?:RS|ES)256$/u),
    ]);
    expect((failure as Error).cause).toBeUndefined();
  });
});
