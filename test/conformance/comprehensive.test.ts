// The modules of the OpenID Foundation's conformance suite for relying parties, re-enacted by name: those of its
// comprehensive plan oidcc-client-test-plan that no certification plan has and that apply to the code flow.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ACCESS_TOKEN } from '../support/scripted-provider.js';
import { hmacBy, newSigningKey, signatureBy } from '../support/signing-keys.js';
import { ModuleRun } from './module-run.js';

describe('oidcc-client-test-plan', () => {
  let run: ModuleRun;

  afterEach(() => run.end());

  it('oidcc-client-test-missing-aud: an ID token without aud is refused [IDT-04]', async () => {
    run = await ModuleRun.start();
    run.bendClaims({ aud: undefined });
    await run.expectNothingAfterIdToken();
  });

  it('oidcc-client-test-userinfo-bearer-header: the access token goes to UserInfo in the Authorization header only [UIN-02]', async () => {
    run = await ModuleRun.start();
    await run.expectLogin();
    const { headers, target } = run.only('/userinfo');
    expect(headers.authorization).toBe(`Bearer ${ACCESS_TOKEN}`);
    expect(target).toBe('/userinfo');
  });

  it('oidcc-client-test-invalid-sig-hs256: an ID token under a secret that is not the client’s is refused [IDT-02]', async () => {
    run = await ModuleRun.start();
    run.provider.script.idToken = ({ claims }) => ({
      header: { alg: 'HS256' },
      claims,
      signature: hmacBy('not the client secret'),
    });
    await run.expectNothingAfterIdToken();
  });

  it('oidcc-client-test-invalid-sig-es256: an ID token with a broken ES256 signature is refused, where ES256 is agreed [IDT-01]', async () => {
    const key = newSigningKey('es256', 'ES256');
    run = await ModuleRun.start({ options: { idToken: { signingAlgorithms: ['ES256'] } } }, (provider) => {
      provider.keys = [key];
    });
    await run.expectLogin();
    run.browser.cookies.clear();
    run.provider.requests = [];
    run.provider.script.idToken = (parts) => ({ ...parts, signature: signatureBy(newSigningKey('other', 'ES256')) });
    await run.expectNothingAfterIdToken();
  });

  it('oidcc-client-test-ignores-unparseable-key-in-jwks: keys of an unknown kind beside the right one are ignored [JWK-04]', async () => {
    run = await ModuleRun.start();
    const strange = [
      { kty: 'AKP', alg: 'ML-DSA-99', kid: 'post-quantum', use: 'sig', pub: 'AAAA' },
      { kty: 'MADE-UP', kid: 'made-up', use: 'sig' },
    ];
    run.provider.script.jwks = ({ keys }) => ({ keys: [...strange, ...keys] });
    await run.expectLogin();
  });
});
