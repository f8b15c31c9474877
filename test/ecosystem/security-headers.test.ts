import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import helmet from 'helmet';
import { readFileSync } from 'node:fs';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';
import { securityHeaders } from './security-headers.js';

describe.each(platforms)('helmet beside the library, on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeEach(async () => {
    provider = await ScriptedProvider.start();
    provider.script.discovery = (document) => ({ ...document, end_session_endpoint: `${provider.issuer}/logout` });
  });
  afterEach(async () => {
    await app.close();
    await provider.stop();
  });

  const start = async (middleware = securityHeaders(provider.issuer)): Promise<void> => {
    app = await startAppAt(provider, {
      platform,
      prepare: (nest) => nest.use(middleware),
      extras: { routes: { frontChannelLogout: '/auth/frontchannel-logout' } },
    });
  };

  it('lets the logout form of a page lead to the provider', async () => {
    await start();
    const browser = new Browser();
    await browser.navigate(`${app.url}/profile`);
    const page = await browser.open(`${app.url}/profile`);
    expect(page.headers['content-security-policy']).toContain(`form-action 'self' ${provider.issuer};`);
    const logout = await browser.send(`${app.url}/auth/logout`, {
      method: 'POST',
      headers: { origin: app.url, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' },
    });
    expect(logout.location).toMatch(new RegExp(`^${provider.issuer}/logout\\?`, 'u'));
    // The last answer on the way has its say, too.
    expect(logout.headers['content-security-policy']).not.toContain('form-action');
  });

  it('leaves the library’s own answers their stricter headers', async () => {
    await start();
    const error = await new Browser().open(`${app.url}/auth/callback`);
    expect(error.status).toBe(400);
    expect(error.headers['content-security-policy']).toMatch(/^default-src 'none'.+style-src 'sha256-/u);
    expect(error.headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' });
    expect(error.headers['strict-transport-security']).toBeDefined();
  });

  it('lets the provider frame the front-channel logout', async () => {
    await start();
    const frame = await new Browser().open(`${app.url}/auth/frontchannel-logout?iss=${provider.issuer}&sid=s`);
    // Where frame-ancestors is, browsers do not look at X-Frame-Options (CSP Level 3).
    expect(frame.headers['content-security-policy']).toContain(`frame-ancestors ${provider.issuer}`);
  });

  it('has forms say where they come from, which no-referrer leaves to Sec-Fetch-Site', async () => {
    await start(helmet());
    expect((await new Browser().open(app.url)).headers['referrer-policy']).toBe('no-referrer');
    const browser = new Browser();
    await browser.navigate(`${app.url}/profile`);
    const logOutFrom = (headers: Record<string, string>) =>
      browser.send(`${app.url}/auth/logout`, { method: 'POST', headers: { origin: 'null', ...headers } });
    expect((await logOutFrom({})).status).toBe(403);
    expect((await logOutFrom({ 'sec-fetch-site': 'same-origin' })).status).toBe(303);
  });
});

it('the recipe of security headers is what is tested', () => {
  const page = readFileSync(new URL('../../docs/recipes/security-headers.md', import.meta.url), 'utf8');
  expect(page).toContain(readFileSync(new URL('security-headers.ts', import.meta.url), 'utf8').trim());
});
