import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServerMetadata } from 'openid-client';
import { IdTokenValidator } from '../../lib/provider/id-token.js';
import { LogoutTokenValidator, type LogoutToken } from '../../lib/provider/logout-token.js';
import { LogoutTokenInvalidError } from '../../lib/provider/provider-errors.js';
import { ProviderKeys } from '../../lib/provider/provider-keys.js';
import type { ProviderMetadata } from '../../lib/provider/provider-metadata.js';
import { resolve } from '../options/valid-options.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { LOGOUT_EVENT, logoutToken } from '../support/logout-token.js';
import { ScriptedProvider, type Answer, type IdTokenParts, type Json } from '../support/scripted-provider.js';
import { compactJws, hmacBy, newSigningKey, signatureBy, type SigningKey } from '../support/signing-keys.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';

type Bend = (parts: IdTokenParts) => IdTokenParts;
type BentClaims = Json | ((now: number, issuer: string) => Json);

describe('a logout token', () => {
  let provider: ScriptedProvider;
  let good: SigningKey;
  let clock: ControlledClock;
  let validator: LogoutTokenValidator;
  let idTokens: IdTokenValidator;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    good = provider.keys[0] as SigningKey;
  });

  afterAll(() => provider.stop());

  beforeEach(() => {
    provider.reset();
    provider.keys = [good];
    clock = new ControlledClock();
    const options = resolve({
      issuer: provider.issuer,
      clientId: CLIENT_ID,
      allowInsecure: true,
      idToken: { trustedAudiences: ['trusted-api'] },
    });
    const metadata = { issuer: provider.issuer, jwks_uri: `${provider.issuer}/jwks` } as ServerMetadata;
    const keys = new ProviderKeys(options, clock, {
      get: () => Promise.resolve(metadata),
    } as unknown as ProviderMetadata);
    validator = new LogoutTokenValidator(options, clock, keys);
    idTokens = new IdTokenValidator(options, clock, keys);
  });

  const seconds = (): number => clock.now() / 1000;

  /** Of the controlled clock's present, then bent. */
  const tokenOf = (bend: Bend = (parts) => parts): string =>
    logoutToken(provider, ({ claims: honest, ...rest }) =>
      bend({ ...rest, claims: { ...honest, iat: seconds(), exp: seconds() + 120 } }),
    );

  const validate = (bend?: Bend): Promise<LogoutToken> => validator.validate(tokenOf(bend));

  /** Changes claims and signs anew: nothing but the claims is wrong. `undefined` leaves a claim out. */
  const claims =
    (bent: BentClaims): Bend =>
    (parts) => ({
      ...parts,
      claims: { ...parts.claims, ...(typeof bent === 'function' ? bent(seconds(), provider.issuer) : bent) },
    });

  const header =
    (bent: Json): Bend =>
    (parts) => ({ ...parts, header: { ...parts.header, ...bent } });

  const signedBy =
    (key: SigningKey, bent: Json = {}): Bend =>
    (parts) => ({ ...parts, header: { alg: key.alg, kid: key.kid, ...bent }, signature: signatureBy(key) });

  async function expectRefusal(detail: string, refused: Promise<unknown>): Promise<void> {
    const error: unknown = await refused.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LogoutTokenInvalidError);
    expect(error).toMatchObject({ code: 'logout_token_invalid', statusCode: 400, detail });
  }

  it('names the user, the session, itself, and when it was issued [BCL-03] [BCL-04]', async () => {
    expect(await validate(claims({ sid: 'session-1', jti: 'token-1' }))).toEqual({
      sub: 'alice',
      sid: 'session-1',
      jti: 'token-1',
      issuedAt: clock.now(),
    });
  });

  it('is issued at a whole millisecond, not after it was, when its iat has a fraction [BCL-03]', async () => {
    const { issuedAt } = await validate(claims((now) => ({ iat: now - 1 + 0.000_9 })));
    expect(issuedAt).toBe(clock.now() - 1000);
  });

  describe('is accepted', () => {
    it.each(['logout+jwt', 'LOGOUT+JWT', 'JWT', 'jwt', undefined])('with the typ %j [BCL-05]', async (typ) => {
      expect(await validate(header({ typ }))).toMatchObject({ sub: 'alice' });
    });

    it.each<[string, BentClaims]>([
      ['names its audience in a list', { aud: [CLIENT_ID] }],
      ['is for a trusted audience too', { aud: ['trusted-api', CLIENT_ID] }],
      ['expired within the clock tolerance', (now) => ({ exp: now - 29 })],
      ['was issued five minutes ago, and the clock tolerance', (now) => ({ iat: now - 330 })],
      ['was issued ahead, within the clock tolerance', (now) => ({ iat: now + 30 })],
    ])('when it %s [BCL-03]', async (_, bent) => {
      expect(await validate(claims(bent))).toMatchObject({ sub: 'alice' });
    });

    it.each<[string, Json, Partial<LogoutToken>]>([
      ['names a user only', { sub: 'alice' }, { sub: 'alice', sid: undefined }],
      ['names a session only', { sub: undefined, sid: 's' }, { sub: undefined, sid: 's' }],
      ['has a sub of 255 characters', { sub: 's'.repeat(255) }, { sub: 's'.repeat(255) }],
      ['has a sid of 255 characters', { sid: 's'.repeat(255) }, { sid: 's'.repeat(255) }],
      ['is about other events too', { events: { 'urn:other': [], [LOGOUT_EVENT]: {} } }, {}],
      ['says more about the event', { events: { [LOGOUT_EVENT]: { reason: 'left' } } }, {}],
      ['has claims that nobody knows', { events: { [LOGOUT_EVENT]: {} }, trace_id: 'x', azp: 'other' }, {}],
    ])('when it %s [BCL-04]', async (_, bent, found) => {
      expect(await validate(claims(bent))).toMatchObject(found);
    });

    it('when it names no kid and one key fits [BCL-02]', async () => {
      expect(await validate(header({ kid: undefined }))).toMatchObject({ sub: 'alice' });
    });

    it('when the provider has changed its keys a moment ago [BCL-02]', async () => {
      await validate();
      provider.rotateKeys();
      expect(await validate()).toMatchObject({ sub: 'alice' });
    });
  });

  const mine = newSigningKey('key-1');
  describe('is refused for its signature', () => {
    it.each<[string, Bend]>([
      ['it is broken', (parts) => ({ ...parts, signature: (input) => parts.signature(input).map((byte) => byte ^ 1) })],
      ['it is that of another text', (parts) => ({ ...parts, signature: () => parts.signature(Buffer.from('other')) })],
      ['its key is not published, under a kid that is', signedBy(mine)],
      ['its key comes along as jwk', signedBy(mine, { jwk: mine.jwk })],
    ])('when %s [BCL-02]', async (_, bend) => {
      await expectRefusal('signature', validate(bend));
    });

    it('when its key is nobody’s [BCL-02]', async () => {
      await expectRefusal('key', validate(signedBy(newSigningKey('unknown'))));
    });

    it.each(['jku', 'x5u'])('and nothing is fetched from where its %s header points [BCL-02]', async (name) => {
      await expectRefusal('signature', validate(signedBy(mine, { [name]: `${provider.issuer}/mine` })));
      expect(provider.count('/mine')).toBe(0);
    });
  });

  describe('is refused for its time', () => {
    it.each<[string, string, BentClaims]>([
      ['exp', 'has expired', (now) => ({ exp: now - 30 })],
      ['iat', 'was issued more than five minutes ago', (now) => ({ iat: now - 331, exp: now + 3600 })],
      ['iat', 'was issued in the future', (now) => ({ iat: now + 31 })],
      ['nbf', 'is not valid yet', (now) => ({ nbf: now + 31 })],
    ])('(%s) when it %s [BCL-03]', async (detail, _, bent) => {
      await expectRefusal(detail, validate(claims(bent)));
    });
  });

  describe('is refused, and no key is fetched for it [BCL-11],', () => {
    const expectCheapRefusal = async (detail: string, token: string): Promise<void> => {
      await expectRefusal(detail, validator.validate(token));
      expect(provider.requests).toEqual([]);
    };

    it.each<[string, Bend]>([
      ['has no signature by alg none', (parts) => ({ ...parts, header: { alg: 'none' } })],
      ['spells its alg nOnE', (parts) => ({ ...parts, header: { alg: 'nOnE' } })],
      ['has no alg', header({ alg: undefined })],
      ['has an alg that is no string', header({ alg: ['RS256'] })],
      [
        'is signed by HS256 with the client secret',
        (parts) => ({ ...parts, header: { alg: 'HS256' }, signature: hmacBy(CLIENT_SECRET) }),
      ],
      ['has an alg that is strong and not in the allow-list', signedBy(newSigningKey('key-1', 'ES256'))],
    ])('when it %s [BCL-02]', async (_, bend) => {
      await expectCheapRefusal('alg', tokenOf(bend));
    });

    it.each(['at+jwt', 'id_token+jwt', 'secevent+jwt', 'dpop+jwt', 'logout+jwt2', '', null, 5, ['JWT']])(
      'when its typ is %j, that of another class of token [BCL-05]',
      async (typ) => {
        await expectCheapRefusal('typ', tokenOf(header({ typ })));
      },
    );

    it.each<[string, string, BentClaims]>([
      ['iss', 'comes from another issuer', { iss: 'https://evil.example' }],
      ['iss', 'has an issuer with a slash at its end', (_, issuer) => ({ iss: `${issuer}/` })],
      ['iss', 'has its issuer in a list', (_, issuer) => ({ iss: [issuer] })],
      ['iss', 'has no issuer', { iss: undefined }],
      ['aud', 'is for another client', { aud: 'another-client' }],
      ['aud', 'is for a trusted audience only', { aud: ['trusted-api'] }],
      ['aud', 'is also for an audience that is not trusted', { aud: [CLIENT_ID, 'another-client'] }],
      ['aud', 'is also for an audience that is no string', { aud: [CLIENT_ID, ['trusted-api']] }],
      ['aud', 'names its audience twice', { aud: [CLIENT_ID, CLIENT_ID] }],
      ['aud', 'has no audience', { aud: undefined }],
      ['aud', 'has an empty list of audiences', { aud: [] }],
      ['iat', 'does not say when it was issued', { iat: undefined }],
      ['iat', 'was issued at a string', (now) => ({ iat: String(now) })],
      ['iat', 'was issued at null', { iat: null }],
      ['exp', 'never expires', { exp: undefined }],
      ['exp', 'expires at a string', (now) => ({ exp: String(now + 60) })],
      ['jti', 'has no jti', { jti: undefined }],
      ['jti', 'has an empty jti', { jti: '' }],
      ['jti', 'has a jti that is a number', { jti: 5 }],
    ])('(%s) when it %s [BCL-03]', async (detail, _, bent) => {
      await expectCheapRefusal(detail, tokenOf(claims(bent)));
    });

    it('when it expires at infinity [BCL-03]', async () => {
      const [head] = tokenOf().split('.');
      const text = JSON.stringify({ iss: provider.issuer, aud: CLIENT_ID, iat: seconds(), exp: 0 });
      const payload = Buffer.from(text.replace('"exp":0', '"exp":1e999')).toString('base64url');
      await expectCheapRefusal('exp', `${head}.${payload}.AAAA`);
    });

    it.each<[string, string, BentClaims]>([
      ['events', 'has no events', { events: undefined }],
      ['events', 'has events of null', { events: null }],
      ['events', 'has its event as a string', { events: LOGOUT_EVENT }],
      ['events', 'has its event in a list', { events: [LOGOUT_EVENT] }],
      ['events', 'is about another event', { events: { 'urn:other': {} } }],
      ['events', 'has an event of null', { events: { [LOGOUT_EVENT]: null } }],
      ['events', 'has an event that is a list', { events: { [LOGOUT_EVENT]: [] } }],
      ['events', 'has an event that is a string', { events: { [LOGOUT_EVENT]: '{}' } }],
      ['nonce', 'has a nonce', { nonce: 'n' }],
      ['nonce', 'has a nonce of null', { nonce: null }],
      ['nonce', 'has an empty nonce', { nonce: '' }],
      ['sub', 'has neither sub nor sid', { sub: undefined }],
      ['sub', 'has an empty sub', { sub: '' }],
      ['sub', 'has a sub of null beside a sid', { sub: null, sid: 's' }],
      ['sub', 'has a sub that is a number', { sub: 5 }],
      ['sub', 'has a sub of 256 characters', { sub: 's'.repeat(256) }],
      ['sub', 'has a sub with CR and LF', { sub: 'alice\r\nadmin' }],
      ['sid', 'has an empty sid', { sid: '' }],
      ['sid', 'has an empty sid and no sub', { sub: undefined, sid: '' }],
      ['sid', 'has a sid of null beside a sub', { sid: null }],
      ['sid', 'has a sid that is a list', { sid: ['s'] }],
      ['sid', 'has a sid of 256 characters', { sid: 's'.repeat(256) }],
      ['sid', 'has a sid with a C1 control character', { sid: 's\u0085' }],
    ])('(%s) when it %s [BCL-04]', async (detail, _, bent) => {
      await expectCheapRefusal(detail, tokenOf(claims(bent)));
    });

    it('when it has a crit header, b64 of RFC 7797 included', async () => {
      for (const bent of [{ crit: ['exp'], exp: 1 }, { crit: ['b64'], b64: true }, { crit: [] }]) {
        await expectCheapRefusal('format', tokenOf(header(bent)));
      }
    });

    const head = Buffer.from('{"alg":"RS256"}').toString('base64url');
    it.each([
      ['is empty', ''],
      ['is no JWT', 'not-a-token'],
      ['has two parts', `${head}.e30`],
      ['has five parts, as an encrypted one', `${head}.e30.e30.e30.e30`],
      ['has an empty header', '.e30.AAAA'],
      ['has a header that is no JSON', 'AAAA.e30.AAAA'],
      ['has a header that is a list', 'W10.e30.AAAA'],
      ['has a payload that is no JSON', `${head}.AAAA.AAAA`],
      ['has a payload that is a list', `${head}.W10.AAAA`],
      ['has a payload that is null', `${head}.bnVsbA.AAAA`],
    ])('when it %s', async (_, text) => {
      await expectCheapRefusal('format', text);
    });

    it.each<[string, (token: string) => string]>([
      ['has an empty signature', (token) => token.slice(0, token.lastIndexOf('.') + 1)],
      ['has a signature that is not base64url', (token) => `${token}=`],
      ['ends with a line', (token) => `${token}\n`],
      ['has a blank before it', (token) => ` ${token}`],
    ])('when it %s', async (_, spoil) => {
      await expectCheapRefusal('format', spoil(tokenOf()));
    });

    it('when it is longer than 64 KiB', async () => {
      await expectCheapRefusal('size', tokenOf(claims({ padding: 'x'.repeat(49_152) })));
    });
  });

  it('is accepted when it is just below 64 KiB [BCL-11]', async () => {
    const token = tokenOf(claims({ padding: 'x'.repeat(48_400) }));
    expect(token.length).toBeGreaterThan(65_000);
    expect(await validator.validate(token)).toMatchObject({ sub: 'alice' });
  });

  it.each<[Answer | 'drop', string, number]>([
    ['drop', 'provider_unreachable', 503],
    [{ status: 500 }, 'provider_unreachable', 503],
    [{ status: 404 }, 'provider_metadata_invalid', 502],
  ])('is not called invalid while the keys cannot be had: %j gives %s, %i', async (answer, code, statusCode) => {
    provider.script.answer = () => answer;
    await expect(validate()).rejects.toMatchObject({ code, statusCode });
    provider.reset();
    expect(await validate()).toMatchObject({ sub: 'alice' });
  });

  it('with an unknown kid, sent 50 times, costs few fetches and none that a login needs [BCL-11]', async () => {
    await validate();
    const send = (): Promise<unknown> => validate(header({ kid: `unknown-${Math.random()}` }));
    for (let index = 0; index < 3; index += 1) await expectRefusal('key', send());
    // Whether one is genuine is not known any more: the provider may try again.
    for (let index = 3; index < 50; index += 1) await expect(send()).rejects.toMatchObject({ statusCode: 503 });
    expect(provider.count('/jwks')).toBe(4);
    provider.rotateKeys();
    const { kid, alg, ...key } = provider.keys[0] as SigningKey;
    const user = { iss: provider.issuer, sub: 'alice', aud: CLIENT_ID, iat: seconds(), exp: seconds() + 60 };
    const idToken = compactJws({ alg, kid }, user, signatureBy({ kid, alg, ...key }));
    const checks = { accessToken: 'a', nonce: undefined, authenticatedSince: undefined };
    expect(await idTokens.validate(idToken, checks)).toMatchObject({ sub: 'alice' });
  });
});
