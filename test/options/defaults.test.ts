import { describe, expect, it } from '@jest/globals';
import { resolve } from './valid-options.js';

const options = resolve();

describe('an option that is left out', () => {
  it.each([
    ['clientAuthentication', options.clientAuthentication, 'client_secret_basic'],
    ['clientPrivateKey', options.clientPrivateKey, undefined],
    ['allowInsecure', options.allowInsecure, false],
    ['allowedOrigins', options.allowedOrigins, []],
    ['csrfHeader', options.csrfHeader, undefined],
    ['mapClaims', options.mapClaims, undefined],
    ['onEvent', options.onEvent, undefined],
    ['login.scope', options.login.scope, 'openid profile email offline_access'],
    ['login.authorizationParams', options.login.authorizationParams, {}],
    ['login.forwardParams', options.login.forwardParams, []],
    ['login.maxAge', options.login.maxAge, undefined],
    ['login.lifetime', options.login.lifetime, 600],
    ['login.defaultReturnTo', options.login.defaultReturnTo, '/'],
    ['login.callbackPath', options.login.callbackPath, '/auth/callback'],
    ['login.userinfo', options.login.userinfo, false],
    ['login.pushedRequests', options.login.pushedRequests, false],
    ['idToken.signingAlgorithms', options.idToken.signingAlgorithms, ['RS256']],
    ['idToken.trustedAudiences', options.idToken.trustedAudiences, []],
    ['idToken.clockTolerance', options.idToken.clockTolerance, 30],
    ['session.store', options.session.store, undefined],
    ['refresh.lease', options.refresh.lease, 40],
    ['session.idleTimeout', options.session.idleTimeout, 86_400],
    ['session.absoluteLifetime', options.session.absoluteLifetime, 604_800],
    ['session.cookie.name', options.session.cookie.name, '__Host-sid'],
    ['session.cookie.sameSite', options.session.cookie.sameSite, 'lax'],
    ['session.cookie.secure', options.session.cookie.secure, true],
    ['session.cookie.persistent', options.session.cookie.persistent, false],
    ['refresh.leeway', options.refresh.leeway, 300],
    ['refresh.waitTimeout', options.refresh.waitTimeout, 10],
    ['refresh.background', options.refresh.background, true],
    ['logout.provider', options.logout.provider, true],
    ['logout.revokeTokens', options.logout.revokeTokens, true],
    ['logout.returnTo', options.logout.returnTo, '/'],
    ['logout.clearSiteData', options.logout.clearSiteData, []],
    ['provider.timeout', options.provider.timeout, 10],
    ['provider.metadataLifetime', options.provider.metadataLifetime, 86_400],
    ['provider.keysLifetime', options.provider.keysLifetime, 600],
    ['provider.allowedHosts', options.provider.allowedHosts, undefined],
    ['routes.login', options.routes.login, '/auth/login'],
    ['routes.callback', options.routes.callback, '/auth/callback'],
    ['routes.logout', options.routes.logout, '/auth/logout'],
    ['routes.me', options.routes.me, '/auth/me'],
    ['routes.backChannelLogout', options.routes.backChannelLogout, '/auth/backchannel-logout'],
    ['routes.frontChannelLogout', options.routes.frontChannelLogout, false],
    ['routes.postLogout', options.routes.postLogout, false],
    ['csrfHeader', options.csrfHeader, undefined],
    ['session.maxPerUser', options.session.maxPerUser, undefined],
    ['session.recordDevice', options.session.recordDevice, false],
  ])('%s has its default', (_name, value, expected) => {
    expect(value).toEqual(expected);
  });

  it('publicClaims shows the standard claims of OpenID Connect Core 1.0 §5.1, and no protocol claim', () => {
    expect(options.publicClaims).toEqual(expect.arrayContaining(['sub', 'name', 'email', 'picture', 'updated_at']));
    expect(options.publicClaims).toHaveLength(20);
    for (const claim of ['iss', 'aud', 'nonce', 'sid', 'at_hash']) expect(options.publicClaims).not.toContain(claim);
  });

  it('session.cookie has no prefix and no Secure when baseUrl is plain http', () => {
    const { cookie } = resolve({ baseUrl: 'http://localhost:3000', allowInsecure: true }).session;
    expect(cookie).toMatchObject({ name: 'sid', secure: false });
  });

  it('clientAuthentication is private_key_jwt when there is a key', () => {
    const clientPrivateKey = { key: '-----BEGIN PRIVATE KEY-----\nx' };
    const { clientAuthentication } = resolve({ clientSecret: undefined, clientPrivateKey });
    expect(clientAuthentication).toBe('private_key_jwt');
  });
});

describe('an option that is given', () => {
  it.each([
    ['clientId', { clientId: 'other' }, 'clientId', 'other'],
    [
      'clientAuthentication',
      { clientAuthentication: 'client_secret_post' },
      'clientAuthentication',
      'client_secret_post',
    ],
    ['secret', { secret: 'hF3-kq9Zx_2vLw8RtYbN5sMd7PgJc0Ae' }, 'secrets', ['hF3-kq9Zx_2vLw8RtYbN5sMd7PgJc0Ae']],
    ['allowedOrigins', { allowedOrigins: ['https://admin.example'] }, 'allowedOrigins', ['https://admin.example']],
    ['publicClaims', { publicClaims: ['sub'] }, 'publicClaims', ['sub']],
  ])('%s is used', (_name, changes, name, expected) => {
    expect(resolve(changes)[name as 'clientId']).toEqual(expected);
  });

  it.each([
    ['login', { scope: 'openid', maxAge: 0, lifetime: 60, defaultReturnTo: '/home', userinfo: true }],
    ['login', { pushedRequests: true }],
    ['login', { authorizationParams: { audience: 'api' }, forwardParams: ['login_hint', 'prompt'] }],
    ['idToken', { signingAlgorithms: ['ES256', 'EdDSA'], trustedAudiences: ['api'], clockTolerance: 0 }],
    ['session', { idleTimeout: 1, absoluteLifetime: 2_592_000 }],
    ['session', { absoluteLifetime: 3600 }],
    ['refresh', { leeway: 0, waitTimeout: 60, background: false }],
    ['logout', { provider: false, revokeTokens: false, returnTo: '/bye' }],
    ['logout', { clearSiteData: ['cache', 'storage'] }],
    ['provider', { timeout: 30, metadataLifetime: 60, keysLifetime: 60 }],
    ['provider', { allowedHosts: ['login.example.com', 'keys.example.com:8443', '[::1]'] }],
  ])('%s.* is used', (group, values) => {
    expect(resolve({ [group]: values })[group as 'login']).toMatchObject(values);
  });

  it('session.cookie.* is used', () => {
    const cookie = { name: 'app', sameSite: 'strict', persistent: true };
    expect(resolve({ session: { cookie } }).session.cookie).toEqual({ ...cookie, secure: true });
  });

  it('clientPrivateKey.* is used', () => {
    const clientPrivateKey = { key: '-----BEGIN PRIVATE KEY-----\nx', keyId: 'k-1', algorithm: 'ES256' };
    expect(resolve({ clientSecret: undefined, clientPrivateKey }).clientPrivateKey).toEqual(clientPrivateKey);
    const { key } = clientPrivateKey;
    expect(resolve({ clientSecret: undefined, clientPrivateKey: { key } }).clientPrivateKey).toEqual({ key });
  });

  it('functions are used as they are', () => {
    const onEvent = () => undefined;
    const mapClaims = <T>(claims: T) => claims;
    expect(resolve({ onEvent, mapClaims })).toMatchObject({ onEvent, mapClaims });
  });

  it('login.callbackPath is used where the application answers the redirect URI itself', () => {
    const { login } = resolve({ login: { callbackPath: '/my/callback' } }, { callback: false });
    expect(login.callbackPath).toBe('/my/callback');
  });

  it('baseUrl is taken apart into origin and path', () => {
    expect(resolve({ baseUrl: 'https://example.com:8443/apps/one/' }).base).toEqual({
      origin: 'https://example.com:8443',
      path: '/apps/one',
      secure: true,
    });
    expect(resolve({ baseUrl: 'https://example.com/' }).base.path).toBe('');
  });

  it('issuer is kept character by character [NET-01]', () => {
    const issuer = 'https://LOGIN.example.com:443/tenant/';
    expect(resolve({ issuer }).issuer).toBe(issuer);
  });
});
