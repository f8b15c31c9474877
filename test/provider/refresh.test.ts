import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, type Clock } from '../../lib/common/clock.js';
import { EventLog } from '../../lib/common/events.js';
import type { ResolvedOptions } from '../../lib/options/resolved-options.js';
import { IdTokenValidator } from '../../lib/provider/id-token.js';
import { retryAfterMs } from '../../lib/provider/provider-call.js';
import { ProviderKeys } from '../../lib/provider/provider-keys.js';
import { ProviderMetadata } from '../../lib/provider/provider-metadata.js';
import { ProviderService } from '../../lib/provider/provider.service.js';
import type { OriginalIdentity } from '../../lib/provider/refresh-answer.js';
import { deferred } from '../common/deferred.js';
import { resolve } from '../options/valid-options.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { ACCESS_TOKEN, REFRESH_TOKEN, ScriptedProvider, type Answer, type Json } from '../support/scripted-provider.js';
import { CLIENT_ID } from '../support/test-provider.js';

const ALICE: OriginalIdentity = { sub: 'alice', authTime: 1000, azp: CLIENT_ID, nonce: 'the-nonce' };

class QuietLog extends EventLog {
  constructor() {
    super(undefined);
  }

  override emit(): void {}
}

describe('a refresh request', () => {
  let provider: ScriptedProvider;
  let service: ProviderService;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
  });

  afterAll(() => provider.stop());

  beforeEach(() => {
    provider.reset();
    service = serviceFor(
      resolve({ issuer: provider.issuer, clientId: CLIENT_ID, allowInsecure: true, provider: { timeout: 1 } }),
    );
  });

  function serviceFor(options: ResolvedOptions, clock: Clock = systemClock): ProviderService {
    const metadata = new ProviderMetadata(options, clock, new QuietLog());
    const keys = new ProviderKeys(options, clock, metadata);
    return new ProviderService(options, clock, metadata, new IdTokenValidator(options, clock, keys));
  }

  const refresh = (original = ALICE, sendBefore = Date.now() + 60_000) =>
    service.refresh('the-refresh-token', original, sendBefore);

  function answerTokens(answer: Answer | 'drop' | 'hang'): void {
    provider.script.answer = ({ path }) => (path === '/token' ? answer : undefined);
  }

  it('presents the refresh token once, and gives back what came', async () => {
    const answer = await refresh();
    expect(answer).toMatchObject({
      outcome: 'refreshed',
      tokens: { accessToken: ACCESS_TOKEN, refreshToken: REFRESH_TOKEN, scope: 'openid' },
    });
    expect(provider.to('/token').map(({ params }) => params.get('refresh_token'))).toEqual(['the-refresh-token']);
  });

  it('is not sent once it is too late for it', async () => {
    await service.prepare();
    expect(await refresh(ALICE, Date.now() - 1)).toEqual({ outcome: 'not_sent' });
    expect(provider.count('/token')).toBe(0);
  });

  it.each<[string, Json]>([
    ['leaves out the ID token', { id_token: undefined }],
    ['leaves out the refresh token', { refresh_token: undefined }],
    ['leaves out the lifetime', { expires_in: undefined }],
    ['says when the refresh token ends', { refresh_expires_in: 7200 }],
  ])('takes an answer that %s', async (_what, changes) => {
    provider.script.tokenResponse = (response) => ({ ...response, ...changes });
    expect((await refresh()).outcome).toBe('refreshed');
  });

  it('knows how long a refresh token lives, by any of its names, and 0 for as long as it likes', async () => {
    const ends = async (changes: Json): Promise<number | undefined> => {
      provider.script.tokenResponse = (response) => ({ ...response, ...changes });
      const answer = await refresh();
      if (answer.outcome !== 'refreshed') throw new Error(answer.outcome);
      const { refreshTokenExpiresAt, issuedAt } = answer.tokens;
      return refreshTokenExpiresAt && refreshTokenExpiresAt - issuedAt;
    };
    expect(await ends({ refresh_expires_in: 60 })).toBe(60_000);
    expect(await ends({ refresh_token_expires_in: '60' })).toBe(60_000);
    expect(await ends({ refresh_expires_in: 0 })).toBeUndefined();
  });

  it.each<[string, Json, Partial<OriginalIdentity>]>([
    ['sub', { sub: 'mallory' }, {}],
    ['nonce', { nonce: 'another' }, {}],
    ['azp', { azp: CLIENT_ID }, { azp: 'another-client' }],
    ['auth_time', { auth_time: 2000 }, {}],
  ])('whose ID token has another %s is refused as another identity [REF-04]', async (reason, claims, original) => {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, ...claims } });
    expect(await refresh({ ...ALICE, ...original })).toEqual({
      outcome: 'identity_rejected',
      reason,
      refreshToken: REFRESH_TOKEN,
    });
  });

  it('takes an ID token that repeats the nonce, the authorized party and the time of authentication', async () => {
    const same = { nonce: 'the-nonce', azp: CLIENT_ID, auth_time: 1000 };
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, ...same } });
    expect((await refresh()).outcome).toBe('refreshed');
    expect((await refresh({ ...ALICE, authTime: undefined, azp: undefined })).outcome).toBe('refreshed');
  });

  it.each<[string, Json]>([
    ['iss', { iss: 'https://evil.example' }],
    ['aud', { aud: 'another-client' }],
    ['aud, and is expired', { aud: 'another-client', exp: 1 }],
    ['iss, and is expired', { iss: 'https://evil.example', exp: 1 }],
  ])('whose ID token has a wrong %s is refused as another identity [REF-04]', async (_claim, claims) => {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, ...claims } });
    expect(await refresh()).toMatchObject({ outcome: 'identity_rejected' });
  });

  it('takes everything but the ID token when a clock is wrong', async () => {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, exp: 1 } });
    expect(await refresh()).toMatchObject({
      outcome: 'refreshed',
      tokens: { refreshToken: REFRESH_TOKEN, idToken: undefined },
    });
  });

  it('is refused for good by invalid_grant alone, whatever the status [REF-06]', async () => {
    answerTokens({ status: 400, body: { error: 'invalid_grant' } });
    expect(await refresh()).toEqual({ outcome: 'refused' });
    answerTokens({ status: 200, body: { error: 'invalid_grant', access_token: 'x', token_type: 'bearer' } });
    expect(await refresh()).toEqual({ outcome: 'refused' });
  });

  it.each(['invalid_client', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope'])(
    'that fails with %s is a matter of configuration [REF-07]',
    async (error) => {
      answerTokens({ status: 401, headers: { 'www-authenticate': 'Basic realm="op"' }, body: { error } });
      expect(await refresh()).toEqual({ outcome: 'misconfigured', reason: error });
    },
  );

  it.each<[string, Answer | 'drop' | 'hang', string]>([
    ['500', { status: 500, body: 'oops' }, 'http_500'],
    ['408', { status: 408 }, 'http_408'],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }, 'http_302'],
    ['200 without JSON', { status: 200, body: 'hello' }, 'token_response_invalid'],
    ['200 without an access token', { status: 200, body: { token_type: 'bearer' } }, 'token_response_invalid'],
    [
      '200 with an error of its own',
      { status: 200, body: { access_token: 'x', token_type: 'bearer', error: 'oops' } },
      'token_response_invalid',
    ],
    ['a closed connection', 'drop', expect.stringMatching(/^(?:UND_ERR_SOCKET|ECONNRESET)$/u) as unknown as string],
    ['silence', 'hang', 'timeout'],
    ['more than it should', { status: 200, body: 'x'.repeat(2_000_000) }, 'response_too_large'],
  ])('that is answered by %s changes nothing [REF-07]', async (_what, answer, reason) => {
    answerTokens(answer);
    expect(await refresh()).toEqual({ outcome: 'transient', reason, retryAfterMs: undefined });
    expect(provider.count('/elsewhere')).toBe(0);
  });

  it.each([
    ['400 with another error', { status: 400, body: { error: 'slow_down' } }, { reached: true }],
    ['408 with an error', { status: 408, body: { error: 'slow_down' } }, {}],
    ['429 with an error', { status: 429, body: { error: 'slow_down' } }, {}],
    ['503 with an error', { status: 503, body: { error: 'temporarily_unavailable' } }, {}],
  ])(
    'that is answered by %s changes nothing, and tells whether the provider is there [REF-07]',
    async (_, answer, reached) => {
      answerTokens(answer);
      const reason = `http_${answer.status}`;
      expect(await refresh()).toEqual({ outcome: 'transient', reason, retryAfterMs: undefined, ...reached });
    },
  );

  it.each(['interaction_required', 'login_required', 'consent_required'])(
    'that is answered by %s wants the user [REF-07]',
    async (error) => {
      answerTokens({ status: 400, body: { error } });
      expect(await refresh()).toEqual({ outcome: 'user_required', reason: error });
    },
  );

  it('that is answered by 429 knows how long to wait [REF-07]', async () => {
    answerTokens({ status: 429, headers: { 'retry-after': '5' } });
    expect(await refresh()).toEqual({ outcome: 'transient', reason: 'http_429', retryAfterMs: 5000 });
  });

  it('has its ID token’s signature verified apart', async () => {
    const answer = await refresh();
    if (answer.outcome !== 'refreshed') throw new Error(answer.outcome);
    const { idToken = '', accessToken } = answer.tokens;
    await service.verifyRefreshedIdToken(idToken, accessToken);
    await expect(service.verifyRefreshedIdToken(`${idToken.slice(0, -4)}AAAA`, accessToken)).rejects.toMatchObject({
      code: 'id_token_invalid',
      detail: 'signature',
    });
  });

  it('takes an ID token with another sid, which Core §12.2 is silent about: the session keeps its own', async () => {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, sid: 'another' } });
    expect((await refresh()).outcome).toBe('refreshed');
  });

  it('whose ID token was issued a week ago does not pass as a new one [REF-04]', async () => {
    const iat = Math.floor(Date.now() / 1000) - 7 * 86_400;
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, iat } });
    const answer = await refresh();
    if (answer.outcome !== 'refreshed') throw new Error(answer.outcome);
    const { idToken = '', accessToken } = answer.tokens;
    await expect(service.verifyRefreshedIdToken(idToken, accessToken)).rejects.toMatchObject({ detail: 'iat' });
  });

  it('has nothing to revoke at where the provider has no such endpoint', async () => {
    expect(await service.revoke('the-refresh-token')).toBe(false);
  });

  it('tells a revocation that was redirected, and does not follow [NET-02]', async () => {
    provider.script.discovery = (document) => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` });
    provider.script.answer = ({ path }) =>
      path === '/revoke' ? { status: 307, headers: { location: '/elsewhere' } } : undefined;
    await expect(service.revoke('the-refresh-token')).rejects.toMatchObject({ detail: 'revocation_refused' });
    expect(provider.to('/revoke').map(({ target, method }) => [method, target])).toEqual([['POST', '/revoke']]);
    expect(provider.count('/elsewhere')).toBe(0);
  });

  it('gives a revocation two seconds, whatever other requests may take [NET-03] [Numbers]', async () => {
    const clock = new ControlledClock();
    const options = resolve({ issuer: provider.issuer, clientId: CLIENT_ID, allowInsecure: true });
    provider.script.discovery = (document) => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` });
    const asked = deferred();
    provider.script.answer = ({ path }) => {
      if (path !== '/revoke') return undefined;
      asked.resolve();
      return 'hang';
    };
    let outcome: unknown = 'under way';
    const revoking = serviceFor(options, clock)
      .revoke('the-refresh-token')
      .catch((error: unknown) => (outcome = error));
    await asked.promise;
    await clock.advance(1999);
    expect(outcome).toBe('under way');
    await clock.advance(1);
    await revoking;
    expect(outcome).toMatchObject({ code: 'provider_unreachable', detail: 'timeout' });
  });

  it('tells a revocation that failed', async () => {
    provider.script.discovery = (document) => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` });
    await expect(service.revoke('the-refresh-token')).rejects.toMatchObject({ detail: 'revocation_refused' });
    provider.script.answer = ({ path }) => (path === '/revoke' ? 'drop' : undefined);
    await expect(service.revoke('the-refresh-token')).rejects.toMatchObject({ code: 'provider_unreachable' });
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);

  it.each<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ['5', 5000],
    [' 0 ', undefined],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', undefined],
    ['soon', undefined],
  ])('%p is %p milliseconds', (value, expected) => {
    expect(retryAfterMs(new Headers(value === undefined ? {} : { 'retry-after': value }), now)).toBe(expected);
  });
});
