import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { compactVerify } from 'jose';
import type { ServerMetadata } from 'openid-client';
import type { ResolvedOptions } from '../../lib/options/resolved-options.js';
import { ProviderKeys } from '../../lib/provider/provider-keys.js';
import type { ProviderMetadata } from '../../lib/provider/provider-metadata.js';
import { Browser } from '../support/browser.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { ScriptedProvider, startAppAt, type Answer } from '../support/scripted-provider.js';
import { compactJws, newSigningKey, signatureBy, type SigningKey } from '../support/signing-keys.js';
import type { TestApp } from '../support/test-app.js';

const KEYS_LIFETIME = 600;
const HOUR = 3_600_000;
const jwsBy = (key: SigningKey, kid: string | undefined = key.kid): string =>
  compactJws({ alg: key.alg, kid }, { sub: 'alice' }, signatureBy(key));

describe('the signing keys of the provider', () => {
  let provider: ScriptedProvider;
  let clock: ControlledClock;
  let keys: ProviderKeys;
  let good: SigningKey;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    good = provider.keys[0] as SigningKey;
  });

  afterAll(() => provider.stop());

  beforeEach(() => {
    provider.reset();
    provider.keys = [good];
    clock = new ControlledClock();
    const options = { provider: { timeout: 10, keysLifetime: KEYS_LIFETIME } } as ResolvedOptions;
    const metadata = { issuer: provider.issuer, jwks_uri: `${provider.issuer}/jwks` } as ServerMetadata;
    keys = new ProviderKeys(options, clock, { get: () => Promise.resolve(metadata) } as unknown as ProviderMetadata);
  });

  const verify = (jws: string): Promise<unknown> => compactVerify(jws, keys.find);
  const fetches = (): number => provider.count('/jwks');
  const answerJwksWith = (answer: Answer | 'drop'): void => {
    provider.script.answer = ({ path }) => (path === '/jwks' ? answer : undefined);
  };

  it('are fetched once, by one request, however many tokens need them [JWK-02]', async () => {
    await Promise.all(Array.from({ length: 20 }, () => verify(jwsBy(good))));
    await verify(jwsBy(good));
    expect(fetches()).toBe(1);
  });

  it('are fetched again at once for a kid that is not among them, also twice in a row [JWK-01]', async () => {
    await verify(jwsBy(good));
    for (const rotation of [1, 2]) {
      provider.rotateKeys();
      await verify(jwsBy(provider.keys[0] as SigningKey));
      expect(fetches()).toBe(1 + rotation);
    }
  });

  it('are fetched by one request when many tokens bring the new kid at once [JWK-01] [JWK-02]', async () => {
    await verify(jwsBy(good));
    provider.rotateKeys();
    const rotated = jwsBy(provider.keys[0] as SigningKey);
    await Promise.all(Array.from({ length: 50 }, () => verify(rotated)));
    expect(fetches()).toBe(2);
  });

  it('are not fetched for every token of a flood of unknown kids: a few at once, then one in five seconds [JWK-02]', async () => {
    await verify(jwsBy(good));
    const flood = async (): Promise<number> => {
      const before = fetches();
      for (let index = 0; index < 50; index += 1)
        await expect(verify(jwsBy(good, `unknown-${index}`))).rejects.toThrow();
      return fetches() - before;
    };
    expect(await flood()).toBe(4);
    await expect(verify(jwsBy(good, 'unknown'))).rejects.toMatchObject({
      code: 'provider_unreachable',
      detail: 'keys',
    });
    expect(await flood()).toBe(0);
    await clock.advance(5000);
    expect(await flood()).toBe(1);
    await verify(jwsBy(good));
  });

  it('are fetched again on a clock that was set back [JWK-02] [JWK-04]', async () => {
    await clock.advance(HOUR);
    await verify(jwsBy(good));
    for (let index = 0; index < 5; index += 1) await verify(jwsBy(good, `unknown-${index}`)).catch(() => undefined);
    await clock.advance(-HOUR);
    await verify(jwsBy(good));
    expect(fetches()).toBe(6);
    provider.rotateKeys();
    await verify(jwsBy(provider.keys[0] as SigningKey));
  });

  it('are fetched by one request for a flood of unknown kids at once [JWK-02]', async () => {
    await verify(jwsBy(good));
    const flood = Array.from({ length: 50 }, (_, index) => verify(jwsBy(good, `unknown-${index}`)));
    expect((await Promise.allSettled(flood)).map(({ status }) => status)).toEqual(flood.map(() => 'rejected'));
    expect(fetches()).toBe(2);
  });

  describe('for tokens that anyone may have sent', () => {
    const verifyForAnyone = (jws: string): Promise<unknown> => compactVerify(jws, keys.findForAnyone);
    const forged = (): string => jwsBy(good, `unknown-${Math.random()}`);

    async function flood(send: (jws: string) => Promise<unknown>): Promise<number> {
      const before = fetches();
      for (let index = 0; index < 50; index += 1) await expect(send(forged())).rejects.toThrow();
      return fetches() - before;
    }

    it('are fetched on a budget of its own: a flood of forged ones stops no login after a rotation [BCL-11]', async () => {
      await verify(jwsBy(good));
      expect(await flood(verifyForAnyone)).toBe(4);
      for (const rotation of [1, 2]) {
        provider.rotateKeys();
        await verify(jwsBy(provider.keys[0] as SigningKey));
        expect(fetches()).toBe(1 + 4 + rotation);
      }
    });

    it('are there after a rotation although logins have used up their own budget [BCL-11]', async () => {
      await verify(jwsBy(good));
      expect(await flood(verify)).toBe(4);
      provider.rotateKeys();
      await verifyForAnyone(jwsBy(provider.keys[0] as SigningKey));
    });

    it('are fetched a few times at once, then once in five seconds, while they cannot be had [BCL-11]', async () => {
      answerJwksWith({ status: 500 });
      expect(await flood(verifyForAnyone)).toBe(4);
      await clock.advance(5000);
      expect(await flood(verifyForAnyone)).toBe(1);
      provider.reset();
      await expect(verifyForAnyone(jwsBy(good))).rejects.toMatchObject({ code: 'provider_unreachable' });
      await verify(jwsBy(good));
    });

    it('go on verifying when they are too old and nothing is left to renew them with [BCL-11]', async () => {
      await verifyForAnyone(jwsBy(good));
      await clock.advance(KEYS_LIFETIME * 1000);
      answerJwksWith('drop');
      expect(await flood(verifyForAnyone)).toBe(4);
      const before = fetches();
      await verifyForAnyone(jwsBy(good));
      expect(fetches()).toBe(before);
    });

    it('come from a fetch that is under way, also when nothing is left to begin one [BCL-11]', async () => {
      answerJwksWith('drop');
      await flood(verifyForAnyone);
      provider.reset();
      await Promise.all([verify(jwsBy(good)), verifyForAnyone(jwsBy(good))]);
    });
  });

  it('stop working once they are gone from the key set and their lifetime is over [JWK-03]', async () => {
    await verify(jwsBy(good));
    provider.rotateKeys();
    await verify(jwsBy(good));
    await clock.advance(KEYS_LIFETIME * 1000);
    await expect(verify(jwsBy(good))).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  });

  it.each<[string, Answer | 'drop']>([
    ['drops connections', 'drop'],
    ['answers 500', { status: 500 }],
    ['answers 429', { status: 429 }],
  ])('go on verifying for an hour while the key endpoint %s, and an unknown kid fails [JWK-05]', async (_, answer) => {
    await verify(jwsBy(good));
    answerJwksWith(answer);
    await clock.advance(KEYS_LIFETIME * 1000);
    await verify(jwsBy(good));
    await expect(verify(jwsBy(good, 'unknown'))).rejects.toMatchObject({ code: 'provider_unreachable' });
    await clock.advance(3_600_000);
    await expect(verify(jwsBy(good))).rejects.toMatchObject({ code: 'provider_unreachable' });
  });

  it('are unusable when they were never fetched and the key endpoint is away, until it is back [JWK-05]', async () => {
    answerJwksWith('drop');
    await expect(verify(jwsBy(good))).rejects.toMatchObject({ code: 'provider_unreachable' });
    provider.reset();
    await verify(jwsBy(good));
  });

  const other = newSigningKey('other');
  it.each<[string, () => unknown]>([
    ['a private key', () => other.privateKey.export({ format: 'jwk' })],
    [
      'its own private half under the same kid',
      () => ({ ...good.privateKey.export({ format: 'jwk' }), kid: good.kid }),
    ],
    ['a symmetric key', () => ({ kty: 'oct', k: 'AAAA', kid: good.kid, alg: 'HS256' })],
    ['a key of an unknown type', () => ({ kty: 'XYZ', kid: good.kid })],
    ['an RSA key without members', () => ({ kty: 'RSA', kid: 'garbage' })],
    [
      'an EC key on an unknown curve',
      () => ({ kty: 'EC', crv: 'P-000', x: '!', y: '!', kid: 'garbage', alg: 'ES256' }),
    ],
    ['a key for encryption under the same kid', () => ({ ...other.jwk, kid: good.kid, use: 'enc', alg: 'RSA-OAEP' })],
    ['a key for another algorithm under the same kid', () => ({ ...other.jwk, kid: good.kid, alg: 'PS256' })],
    ['a key without kid', () => ({ ...other.jwk, kid: undefined })],
    ['an empty object', () => ({})],
    ['a string', () => 'key'],
    ['null', () => null],
  ])('work although %s stands among them [JWK-04]', async (_, bad) => {
    for (const place of [(set: unknown[]) => [bad(), ...set], (set: unknown[]) => [...set, bad()]]) {
      provider.script.jwks = (keySet) => ({ keys: place(keySet.keys) });
      await verify(jwsBy(good));
      await clock.advance(KEYS_LIFETIME * 1000);
    }
  });

  it('never include a symmetric or private one [JWK-04]', async () => {
    const hidden = newSigningKey('hidden');
    provider.script.jwks = () => ({ keys: [{ ...hidden.privateKey.export({ format: 'jwk' }), kid: hidden.kid }] });
    await expect(verify(jwsBy(hidden))).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  });

  it.each<[string, Answer]>([
    [
      'has more than 100 keys',
      { body: { keys: Array.from({ length: 101 }, (_, index) => ({ ...other.jwk, kid: `${index}` })) } },
    ],
    ['has no keys member', { body: {} }],
    ['has keys that are no list', { body: { keys: { 0: other.jwk } } }],
    ['is no JSON', { body: '<html></html>' }],
    ['is a list', { body: [other.jwk] }],
    ['is not found', { status: 404, body: { keys: [] } }],
    ['is somewhere else', { status: 302, headers: { location: '/jwks-elsewhere' } }],
  ])('are refused when the key set %s [NET-02] [NET-04]', async (_, answer) => {
    answerJwksWith(answer);
    await expect(verify(jwsBy(good))).rejects.toMatchObject({ code: 'provider_metadata_invalid', statusCode: 502 });
    expect(provider.requests.map(({ path }) => path)).toEqual(['/jwks']);
  });

  it('are refused when the key set is larger than 512 KiB [NET-04]', async () => {
    provider.script.jwks = (keySet) => ({ ...keySet, padding: 'x'.repeat(512 * 1024) });
    await expect(verify(jwsBy(good))).rejects.toMatchObject({ code: 'response_too_large', statusCode: 502 });
  });

  it('are waited for no longer than the deadline, body included [NET-03]', async () => {
    let asked: (() => void) | undefined;
    const request = new Promise<void>((resolve) => (asked = resolve));
    provider.script.answer = () => {
      asked?.();
      return 'hang';
    };
    const verifying = expect(verify(jwsBy(good))).rejects.toMatchObject({
      code: 'provider_unreachable',
      detail: 'timeout',
    });
    await request;
    await clock.advance(10_000);
    await verifying;
  });
});

describe('a login after the provider changed its keys', () => {
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeEach(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider);
  });

  afterEach(async () => {
    await app.close();
    await provider.stop();
  });

  const login = async (): Promise<number> =>
    (await new Browser().navigate(`${app.url}/auth/login?returnTo=/profile`)).status;

  it('works at once, right after the last login and twice in a row [JWK-01]', async () => {
    expect(await login()).toBe(200);
    provider.rotateKeys();
    expect(await login()).toBe(200);
    provider.rotateKeys();
    expect(await login()).toBe(200);
    expect(provider.count('/jwks')).toBe(3);
  });

  it('asks for keys a few times only, when 50 logins bring unknown kids, and users with known ones get in [JWK-02]', async () => {
    expect(await login()).toBe(200);
    provider.requests = [];
    provider.script.idToken = (parts) => ({ ...parts, header: { ...parts.header, kid: `unknown-${Math.random()}` } });
    const statuses = [];
    for (let index = 0; index < 50; index += 1) statuses.push(await login());
    // That the key is not there was seen four times; after that nobody knows.
    expect(statuses).toEqual(statuses.map((_, index) => (index < 4 ? 400 : 503)));
    expect(provider.count('/jwks')).toBeLessThanOrEqual(6);
    provider.reset();
    expect(await login()).toBe(200);
  });

  it('fails with 503 while a new kid cannot be looked up, and works while a known one need not be [JWK-05]', async () => {
    expect(await login()).toBe(200);
    provider.script.answer = ({ path }) => (path === '/jwks' ? { status: 500 } : undefined);
    expect(await login()).toBe(200);
    provider.rotateKeys();
    expect(await login()).toBe(503);
  });
});
