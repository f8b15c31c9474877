import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { gate } from '../support/gate.js';
import { freePort } from '../support/free-port.js';
import { platforms, startApp, type TestApp } from '../support/test-app.js';
import { TestProvider } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

const LIFETIME = 600;

describe.each(platforms)('an open route on %s', (platform) => {
  let provider: TestProvider;
  let app: TestApp;
  const browser = new Browser();

  beforeAll(async () => {
    const port = await freePort();
    provider = await TestProvider.start({
      redirectUris: [`http://localhost:${port}/auth/callback`],
      accessTokenLifetime: LIFETIME,
    });
    app = await startApp({ platform, port, issuer: provider.issuer });
    await browser.navigate(`${app.url}/profile`);
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  it('does not wait for the refresh of an expired token, and sets one going', async () => {
    const time = new TimeTravel();
    time.forward(LIFETIME + 10);
    const [asked, answered] = [gate(), gate()];
    provider.fault = async ({ url }) => {
      if (url !== '/token') return false;
      asked.open();
      await answered.passed;
      return false;
    };
    expect((await browser.fetch(`${app.url}/maybe`)).json()).toEqual({ sub: 'alice' });
    await asked.passed;
    answered.open();
    expect((await browser.fetch(`${app.url}/token`)).status).toBe(200);
    expect(provider.count('refresh_token')).toBe(1);
    time.end();
  });

  it('refuses a request that changes state and comes from another site [BFF-02]', async () => {
    const crossSite = { method: 'POST', headers: { origin: 'https://evil.example' } };
    expect((await browser.send(`${app.url}/maybe`, crossSite)).status).toBe(403);
    expect((await new Browser().send(`${app.url}/maybe`, crossSite)).status).toBe(201);
  });
});
