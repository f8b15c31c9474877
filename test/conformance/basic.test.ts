// The modules of the OpenID Foundation's conformance suite for relying parties, re-enacted by name: plan
// oidcc-client-basic-certification-test-plan (response_type=code, response_mode=default, client_secret_basic).
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ACCESS_TOKEN, type Json } from '../support/scripted-provider.js';
import { newSigningKey } from '../support/signing-keys.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';
import { ModuleRun } from './module-run.js';

describe('oidcc-client-basic-certification-test-plan', () => {
  let run: ModuleRun;

  beforeEach(async () => {
    run = await ModuleRun.start();
  });

  afterEach(() => run.end());

  it('oidcc-client-test: a user logs in with the code flow, and UserInfo is asked with the bearer token', async () => {
    await run.expectLogin();
    const { params } = run.only('/authorize');
    expect(Object.fromEntries(params)).toMatchObject({
      response_type: 'code',
      client_id: CLIENT_ID,
      redirect_uri: `${run.app.url}/auth/callback`,
      state: expect.stringMatching(/^[\w-]{43}$/u),
      nonce: expect.stringMatching(/^[\w-]{43}$/u),
    });
    expect(params.get('scope')?.split(' ')).toContain('openid');
    expect(run.only('/token').params.get('grant_type')).toBe('authorization_code');
    expect(run.only('/userinfo').headers.authorization).toBe(`Bearer ${ACCESS_TOKEN}`);
  });

  it.each<[module: string, bent: Json]>([
    ['oidcc-client-test-invalid-iss: an ID token of another issuer is refused [IDT-03]', { iss: 'https://op.example' }],
    ['oidcc-client-test-missing-sub: an ID token without sub is refused [IDT-09]', { sub: undefined }],
    ['oidcc-client-test-invalid-aud: an ID token for another client is refused [IDT-04]', { aud: 'another-client' }],
    ['oidcc-client-test-missing-iat: an ID token without iat is refused [IDT-07]', { iat: undefined }],
    [
      'oidcc-client-test-nonce-invalid: an ID token of another login is refused [IDT-08]',
      { nonce: 'of another login' },
    ],
  ])('%s', async (_module, bent) => {
    run.bendClaims(bent);
    await run.expectNothingAfterIdToken();
  });

  /** Neither the header nor the key set names a key. */
  const hideKeyIds = (): void => {
    run.provider.script.jwks = ({ keys }) => ({ keys: keys.map((key) => ({ ...(key as Json), kid: undefined })) });
    run.provider.script.idToken = (parts) => ({ ...parts, header: { ...parts.header, kid: undefined } });
  };

  it('oidcc-client-test-kid-absent-single-jwks: the only key that fits is taken when no kid names it [JWK-04]', async () => {
    run.provider.keys = [...run.provider.keys, newSigningKey('of another kind', 'ES256')];
    hideKeyIds();
    await run.expectLogin();
  });

  it('oidcc-client-test-kid-absent-multiple-jwks: nobody guesses among several keys that fit [JWK-04]', async () => {
    run.provider.keys = [...run.provider.keys, newSigningKey('another')];
    hideKeyIds();
    await run.expectNothingAfterIdToken();
  });

  it('oidcc-client-test-idtoken-sig-rs256: an ID token signed with RS256 is accepted', async () => {
    let header: Json = {};
    run.provider.script.idToken = (parts) => {
      header = parts.header;
      return parts;
    };
    await run.expectLogin();
    expect(header).toMatchObject({ alg: 'RS256' });
  });

  // The suite lets a relying party choose here, and reports the refusal as skipped.
  it('oidcc-client-test-idtoken-sig-none: an unsigned ID token is refused, although the metadata allows it [IDT-02]', async () => {
    run.provider.script.idToken = ({ claims }) => ({
      header: { alg: 'none' },
      claims,
      signature: () => Buffer.alloc(0),
    });
    await run.expectNothingAfterIdToken();
  });

  it('oidcc-client-test-invalid-sig-rs256: an ID token with a broken signature is refused [IDT-01]', async () => {
    run.provider.script.idToken = (parts) => ({
      ...parts,
      signature: (input) => parts.signature(input).map((byte) => byte ^ 0x5a),
    });
    await run.expectNothingAfterIdToken();
  });

  it('oidcc-client-test-userinfo-invalid-sub: UserInfo about somebody else makes the login fail [UIN-01]', async () => {
    run.provider.script.userInfo = (claims) => ({ ...claims, sub: `${run.provider.sub}invalid` });
    const page = await run.login();
    expect(page).toMatchObject({ status: 502, url: expect.stringContaining('/auth/callback') });
    expect(page.body).toContain('userinfo_invalid');
    expect(run.flow).toEqual(['/authorize', '/token', '/userinfo']);
    expect(await run.isLoggedIn()).toBe(false);
  });

  it('oidcc-client-test-scope-userinfo-claims: claims are asked for by scope, and those of UserInfo are the user’s', async () => {
    const claims = { name: 'Demo T. User', email: 'user@example.com', email_verified: false };
    run.provider.script.userInfo = (userInfo) => ({ ...userInfo, ...claims });
    const page = await run.expectLogin();
    expect(run.only('/authorize').params.get('scope')?.split(' ')).toEqual(
      expect.arrayContaining(['profile', 'email']),
    );
    expect(page.json()).toMatchObject({ user: claims });
  });

  it('oidcc-client-test-client-secret-basic: the client proves itself in the Authorization header, and nowhere else', async () => {
    await run.expectLogin();
    const { headers, params } = run.only('/token');
    const [scheme, credentials = ''] = (headers.authorization ?? '').split(' ');
    expect(scheme).toBe('Basic');
    const [id = '', secret = ''] = Buffer.from(credentials, 'base64').toString().split(':');
    expect([decodeURIComponent(id), decodeURIComponent(secret)]).toEqual([CLIENT_ID, CLIENT_SECRET]);
    expect(params.has('client_secret')).toBe(false);
    expect(params.has('client_assertion')).toBe(false);
  });
});
