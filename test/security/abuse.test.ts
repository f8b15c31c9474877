import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CurrentUser, MemorySessionStore } from 'nest-oidc';
import { cookieNames, cookiesWithPrefix, cookieValues } from '../../lib/common/cookie-header.js';
import { Cookies } from '../../lib/http/cookies.js';
import type { Platform } from '../../lib/http/platform.js';
import { isNavigation, isTopLevelNavigation, wantsHtml, wantsJson } from '../../lib/http/request-kind.js';
import { AuthorizationRequests } from '../../lib/login/authorization-request.js';
import { given } from '../session/given.js';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';

/** Names that every object has, or that change what it is. */
const INHERITED = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

@Controller('inherited')
class Inherited {
  @Get()
  inherited(
    @CurrentUser('constructor') one: unknown,
    @CurrentUser('__proto__') two: unknown,
    @CurrentUser('toString') three: unknown,
  ): readonly string[] {
    return [typeof one, typeof two, typeof three];
  }
}

describe.each(platforms)('abuse on %s', (platform) => {
  const store = new MemorySessionStore({ maxSessions: 1 });
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, {
      platform,
      options: { session: { store }, login: { forwardParams: ['prompt'] } },
      controllers: [Inherited],
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(async () => {
    provider.reset();
    browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
  });

  it('logins that are begun and callbacks that are forged write nothing, and push no session out [DOS-01]', async () => {
    const writes = (['create', 'markUsed', 'lock', 'touch'] as const).map((name) => jest.spyOn(store, name));
    for (let turn = 0; turn < 50; turn += 1) {
      const attacker = new Browser();
      await attacker.open(`${app.url}/auth/login`);
      await attacker.open(`${app.url}/auth/callback?code=x&state=${'A'.repeat(43)}`);
      await attacker.fetch(`${app.url}/profile`, { headers: { cookie: `sid=${'A'.repeat(43)}` } });
    }
    for (const write of writes) expect(write).not.toHaveBeenCalled();
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
    jest.restoreAllMocks();
  });

  it('what another page loads from us sets no cookie: it cannot fill the jar of a user [DOS-02]', async () => {
    for (const destination of ['image', 'script', 'style', 'iframe', 'empty', 'video', 'object']) {
      for (const path of ['/auth/login', '/auth/callback?state=x', '/profile', '/maybe']) {
        const headers = { 'sec-fetch-dest': destination, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
        expect((await new Browser().send(`${app.url}${path}`, { headers })).setCookies).toEqual([]);
      }
    }
  });

  // Node refuses headers of more than 16 KiB before anybody sees them.
  it.each([
    ['cookies without a name', ';'.repeat(15_000), 401],
    ['cookies that begin like ours', 'sid;'.repeat(3700), 401],
    ['ours, three thousand times', 'sid=;'.repeat(3000), 401],
    ['logins under way that are none', Array.from({ length: 700 }, (_, i) => `oidc.tx.${i}=x`).join(';'), 401],
  ])('the longest header that the server takes is read at once: %s [DOS-03]', async (_, cookie, status) => {
    expect((await new Browser().fetch(`${app.url}/profile`, { headers: { cookie } })).status).toBe(status);
    const login = await new Browser().open(`${app.url}/auth/login`, { cookie });
    expect(login.status).toBe(302);
    expect(login.setCookies.length).toBeLessThanOrEqual(21);
  });

  it.each([
    ['parameters', 'state=x&'.repeat(1800)],
    ['brackets', `state${'[a]'.repeat(4000)}=x`],
    ['percent signs', '%'.repeat(14_000)],
    ['slashes', `returnTo=/${'/'.repeat(14_000)}x`],
  ])('a query of many %s is an ordinary fault [DOS-03]', async (_, query) => {
    expect((await browser.open(`${app.url}/auth/callback?${query}`)).status).toBe(400);
    expect((await browser.open(`${app.url}/auth/login?${query}`)).status).toBe(302);
  });

  it('claims, queries and cookies by inherited names change no object and are none of its [TYP-01]', async () => {
    const hostile = JSON.parse(
      `{${INHERITED.map((name) => `"${name}":{"polluted":true,"prototype":{"polluted":true}}`).join(',')}}`,
    ) as Record<string, unknown>;
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, ...hostile } });
    const user = new Browser();
    for (const name of INHERITED) user.cookies.set(name, 'polluted');
    const query = INHERITED.flatMap((name) => [`${name}=x`, `${name}[polluted]=true`, `${name}.polluted=true`]).join(
      '&',
    );
    const page = await user.navigate(`${app.url}/auth/login?${query}&returnTo=/profile`);
    expect([page.url, page.status]).toEqual([`${app.url}/profile`, 200]);
    expect((await user.fetch(`${app.url}/auth/me?${query}`)).json()).toEqual({ sub: 'alice' });
    const [request] = provider.to('/authorize').slice(-1);
    for (const name of INHERITED) expect(request?.params.has(name)).toBe(false);
    for (const object of [{}, [], () => undefined, 'text']) expect(object).not.toHaveProperty('polluted');
  });

  it('a claim that the user does not have is not found on every object instead [TYP-01]', async () => {
    const kinds = await browser.fetch(`${app.url}/inherited`);
    expect(kinds.json()).toEqual(['undefined', 'undefined', 'undefined']);
  });
});

describe('work on what an attacker sends grows with its length, not with its square [DOS-03]', () => {
  const { options, clock } = given();
  const cookies = new Cookies(
    options,
    clock,
    { addCookie: () => undefined } as unknown as Platform,
    new AuthorizationRequests(options, clock),
  );
  const requests = new AuthorizationRequests(options, clock);
  const request = (cookie: string) => ({ method: 'GET', headers: { cookie } });
  const forged = (count: number): string =>
    Array.from({ length: count }, (_, index) => `__Host-oidc.tx.${String(index).padStart(8, '0')}=x`).join('; ');
  const header = (text: string) => ({ method: 'GET', headers: { accept: text, purpose: text, 'sec-purpose': text } });

  const tasks: readonly (readonly [string, (size: number) => () => void])[] = [
    [
      'a new login beside forged ones',
      (size) => {
        const [asked, login] = [request(forged(size)), requests.create('/', 'https://app.example.com/auth/callback')];
        return () => cookies.addPending(asked, {}, login);
      },
    ],
    [
      'all logins to be cleared',
      (size) => {
        const asked = request(forged(size));
        return () => cookies.clearAllPending(asked, {});
      },
    ],
    [
      'a Cookie header',
      (size) => {
        const text = Array.from({ length: size }, (_, index) => `sid${index}=${' '.repeat(20)}`).join('; ');
        return () => [cookieValues(text, 'sid'), cookieNames(text, 'sid'), cookiesWithPrefix(text, 'sid')];
      },
    ],
    [
      'what kind of request it is',
      (size) => {
        const asked = header('prefetc'.repeat(size));
        return () => [isNavigation, isTopLevelNavigation, wantsHtml, wantsJson].map((is) => is(asked));
      },
    ],
  ];

  it.each(tasks)('%s', (_, task) => {
    const timeOf = (size: number): number => {
      const work = task(size);
      const times = Array.from({ length: 5 }, () => {
        const begun = process.hrtime.bigint();
        work();
        return Number(process.hrtime.bigint() - begun);
      });
      return Math.min(...times);
    };
    timeOf(1000);
    // Twenty times as long: a square would be four hundred times as slow.
    expect(timeOf(20_000) / timeOf(1000)).toBeLessThan(120);
  });
});
