import { afterEach, describe, expect, it } from '@jest/globals';
import { ForbiddenException, ServiceUnavailableException } from '@nestjs/common';
import type { OidcOptions } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { TestProvider, type TestProviderOptions } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

const LIFETIME = 600;

function raised(error: unknown): never {
  throw error;
}

describe('the claims of a session', () => {
  let provider: TestProvider;
  let app: TestApp;

  afterEach(async () => {
    await app.close();
    await provider.stop();
  });

  async function start(options: Partial<OidcOptions>, of: Partial<TestProviderOptions> = {}): Promise<void> {
    const port = await freePort();
    provider = await TestProvider.start({
      redirectUris: [`http://localhost:${port}/auth/callback`],
      accessTokenLifetime: LIFETIME,
      ...of,
    });
    app = await startApp({ port, issuer: provider.issuer, options });
  }

  it('include those of UserInfo where that is asked for', async () => {
    await start({ login: { userinfo: true } }, { configuration: { conformIdTokenClaims: true } });
    const page = await new Browser().navigate(`${app.url}/profile`);
    expect(page.json()).toMatchObject({ user: { sub: 'alice', email: 'alice@example.com' } });
    expect(provider.requests).toContain('/me');
  });

  it('fail the login when UserInfo fails, and the provider is named as the reason', async () => {
    await start({ login: { userinfo: true } });
    provider.fault = (request, response) => {
      if (request.url !== '/me') return false;
      response.writeHead(500).end();
      return true;
    };
    const page = await new Browser().navigate(`${app.url}/profile`);
    expect(page.status).toBe(503);
    provider.fault = (request, response) => {
      if (request.url !== '/me') return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"sub":"mallory"}');
      return true;
    };
    const mixedUp = await new Browser().navigate(`${app.url}/profile`);
    expect([mixedUp.status, mixedUp.body.includes('userinfo_invalid')]).toEqual([502, true]);
  });

  it('are what the application makes of them, and the user stays who it is', async () => {
    await start({
      mapClaims: ({ name }) => ({ iss: 'https://evil.example', sub: 'mallory', name: name ?? '', role: 'admin' }),
    });
    const page = await new Browser().navigate(`${app.url}/profile`);
    const { user } = page.json<{ user: Record<string, unknown> }>();
    expect(user).toMatchObject({ iss: provider.issuer, sub: 'alice', name: 'alice of Wonderland', role: 'admin' });
    expect(user).not.toHaveProperty('email');
  });

  it('survive a refresh although the application dropped those that a refresh is checked against', async () => {
    await start({ mapClaims: ({ iss, sub }) => ({ iss, sub }) });
    const browser = new Browser();
    await browser.navigate(`${app.url}/profile`);
    const time = new TimeTravel();
    time.forward(LIFETIME + 10);
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
    expect(provider.count('refresh_token')).toBe(1);
    time.end();
  });

  const outage = Object.assign(new Error('not one of us at 10.0.0.5'), { code: 'ECONNREFUSED' });

  it.each<[string, () => never, string]>([
    ['refuse the login', () => raised(new ForbiddenException('not one of us')), 'ForbiddenException'],
    ['fail, as with an outage', () => raised(outage), 'Error:ECONNREFUSED'],
    ['fail for a mistake', () => null as never, 'TypeError'],
    [
      'fail with a code that may be somebody’s data',
      () => raised(Object.assign(new Error(), { code: 'alice1984' })),
      'Error',
    ],
    ['fail with what is no error', () => raised('not one of us'), 'string'],
    ['fail with a strange name', () => raised(Object.assign(outage, { name: 'not one of us' })), 'ECONNREFUSED'],
    ['fail for what no store can hold', () => ({ big: 1n }) as never, 'TypeError'],
  ])('can be a reason for the application to %s, which is told by a name', async (_, mapClaims, name) => {
    await start({ mapClaims });
    const browser = new Browser();
    const page = await browser.navigate(`${app.url}/profile`);
    expect([page.status, page.body.includes('login_refused'), page.body.includes('not one of us')]).toEqual([
      403,
      true,
      false,
    ]);
    expect(browser.cookies.has('sid')).toBe(false);
    expect(app.events).toContainEqual({ name: 'login.failed', reason: `login_refused:${name}` });
  });

  it('can say that the application cannot decide now, which refuses nobody', async () => {
    let isAway = true;
    await start({ mapClaims: (claims) => (isAway ? raised(new ServiceUnavailableException('10.0.0.5')) : claims) });
    const browser = new Browser();
    const page = await browser.navigate(`${app.url}/profile`);
    expect([page.status, page.headers['retry-after'], page.body.includes('10.0.0.5')]).toEqual([503, '5', false]);
    expect(page.body).toContain('login_unavailable');
    const reason = 'login_unavailable:ServiceUnavailableException';
    expect(app.events).toContainEqual({ name: 'login.failed', reason });
    isAway = false;
    expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200);
  });
});
