// The modules of the OpenID Foundation's conformance suite for relying parties, re-enacted by name: plan
// oidcc-client-config-certification-test-plan. Its oidcc-client-test-idtoken-sig-none stands in basic.test.ts.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ModuleRun } from './module-run.js';

describe('oidcc-client-config-certification-test-plan', () => {
  let run: ModuleRun;

  afterEach(() => run.end());

  it('oidcc-client-test-discovery-openid-config: the endpoints are those of the metadata at the issuer', async () => {
    run = await ModuleRun.start({}, (provider) => {
      provider.script.discovery = (document) => ({
        ...document,
        authorization_endpoint: `${provider.issuer}/elsewhere/authorize`,
      });
    });
    const page = await run.browser.navigate(`${run.app.url}/auth/login`);
    expect(page.url).toContain(`${run.provider.issuer}/elsewhere/authorize?`);
    expect(run.only('/.well-known/openid-configuration')).toMatchObject({
      method: 'GET',
      target: '/.well-known/openid-configuration',
    });
  });

  it('oidcc-client-test-discovery-jwks-uri-keys: keys are fetched from the jwks_uri of the metadata', async () => {
    run = await ModuleRun.start({}, (provider) => {
      provider.script.discovery = (document) => ({ ...document, jwks_uri: `${provider.issuer}/jwks-of-this-run` });
      provider.script.answer = ({ path }) =>
        path === '/jwks-of-this-run' ? { body: { keys: provider.keys.map(({ jwk }) => jwk) } } : undefined;
    });
    await run.expectLogin();
    expect(run.only('/jwks-of-this-run').method).toBe('GET');
    expect(run.provider.count('/jwks')).toBe(0);
  });

  it('oidcc-client-test-discovery-issuer-mismatch: nobody is sent to a provider whose metadata names another issuer [NET-01]', async () => {
    run = await ModuleRun.start({}, (provider) => {
      provider.script.discovery = (document) => ({ ...document, issuer: `${provider.issuer}/INVALID` });
    });
    expect(await run.login()).toMatchObject({ status: 502, location: undefined, setCookies: [] });
    expect(run.flow).toEqual([]);
  });

  it('oidcc-client-test-signing-key-rotation-just-before-signing: a key that is newer than the login is found [JWK-01]', async () => {
    run = await ModuleRun.start();
    // The keys that were known until now are in the cache, and no longer of use.
    await run.expectLogin();
    run.provider.requests = [];
    run.provider.script.answer = ({ path }) => {
      if (path === '/token') run.provider.rotateKeys();
      return undefined;
    };
    await run.expectLogin();
    expect(run.provider.count('/jwks')).toBe(1);
  });

  it('oidcc-client-test-signing-key-rotation: keys are fetched again when they changed after the first login [JWK-01]', async () => {
    run = await ModuleRun.start();
    await run.expectLogin();
    expect(run.provider.count('/jwks')).toBe(1);
    run.provider.rotateKeys();
    run.provider.requests = [];
    await run.expectLogin();
    expect(run.provider.count('/jwks')).toBe(1);
  });
});
