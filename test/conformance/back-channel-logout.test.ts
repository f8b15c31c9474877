// The modules of the OpenID Foundation's conformance suite for relying parties, re-enacted by name: plan
// oidcc-client-back-channel-logout-rp-basic. Each logout begins here; the provider sends its token before the browser returns.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { IdTokenParts } from '../support/scripted-provider.js';
import { newSigningKey, signatureBy } from '../support/signing-keys.js';
import { LogoutRun } from './logout-run.js';

const es256 = newSigningKey('es256', 'ES256');
const claims =
  (bent: IdTokenParts['claims']) =>
  (parts: IdTokenParts): IdTokenParts => ({ ...parts, claims: { ...parts.claims, ...bent } });

describe('oidcc-client-back-channel-logout-rp-basic', () => {
  let logout: LogoutRun;

  beforeEach(async () => {
    logout = await LogoutRun.start();
  });

  afterEach(() => logout.end());

  it('oidcc-client-test-rp-backchannel-rpinitlogout: a logout token ends what it names and is answered 200 [BCL-01]', async () => {
    expect(await logout.run.isLoggedIn(logout.elsewhere)).toBe(true);
    await logout.expectLogout();
    expect(logout.answer).toMatchObject({ status: 200, body: '', setCookies: [] });
    expect(logout.answer?.headers['cache-control']).toContain('no-store');
    expect(await logout.run.isLoggedIn(logout.elsewhere)).toBe(false);
  });

  it.each<[module: string, bend: (parts: IdTokenParts) => IdTokenParts]>([
    [
      'oidcc-client-test-rp-backchannel-rpinitlogout-alg-none: an unsigned logout token is answered 400 [BCL-02]',
      (parts) => ({ ...parts, header: { alg: 'none' }, signature: () => Buffer.alloc(0) }),
    ],
    [
      'oidcc-client-test-rp-backchannel-rpinitlogout-no-event: a logout token without events is answered 400 [BCL-04]',
      claims({ events: undefined }),
    ],
    [
      'oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce: a logout token with a nonce is answered 400 [BCL-04]',
      claims({ nonce: 'a nonce' }),
    ],
    [
      'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg: a logout token by ES256, not RS256, is answered 400 [BCL-02]',
      (parts) => ({
        ...parts,
        header: { ...parts.header, alg: es256.alg, kid: es256.kid },
        signature: signatureBy(es256),
      }),
    ],
    [
      'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud: a logout token for another client is answered 400 [BCL-03]',
      claims({ aud: 'another-client' }),
    ],
    [
      'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event: a logout token about another event is answered 400 [BCL-04]',
      claims({ events: { 'http://schemas.openid.net/event/foobar': {} } }),
    ],
    [
      'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss: a logout token of another issuer is answered 400 [BCL-03]',
      claims({ iss: 'https://op.example' }),
    ],
  ])('%s, and ends no session [BCL-01]', async (_module, bend) => {
    logout.run.provider.keys = [...logout.run.provider.keys, es256];
    logout.tell = () => logout.sendLogoutToken(bend);
    await logout.expectLogout();
    expect(logout.answer).toMatchObject({ status: 400, setCookies: [] });
    expect(logout.answer?.headers['cache-control']).toContain('no-store');
    expect(await logout.run.isLoggedIn(logout.elsewhere)).toBe(true);
  });
});
