import { All, Controller, Module, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OidcModule } from 'nest-oidc';
import { connect } from 'node:net';
import { AuthorizationRequests, type AuthorizationRequest } from '../../lib/login/authorization-request.js';
import { ReturnTo } from '../../lib/login/return-to.js';
import { localPath } from '../../lib/options/local-path.js';
import type { PublicUrls } from '../../lib/options/public-urls.js';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { freePort } from '../support/free-port.js';
import { platforms, SECRET, type TestApp } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';
import { HARMLESS, REFUSED } from './open-redirect-payloads.js';

const OWN: readonly string[] = [
  '/auth/login',
  '/auth/login/',
  '/auth/login?returnTo=/auth/login',
  '/AUTH/Login',
  '/auth/callback?code=x&state=y',
  '/auth/logout',
  '/auth/me',
  '/x/../auth/login',
  '/auth/%6cogin',
];

function expectOwnOrigin(location: string | undefined, base: string): void {
  expect(location).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/u);
  const url = new URL(location ?? '', base);
  expect(url.origin).toBe(new URL(base).origin);
  expect(url.pathname).not.toMatch(/^\/\//u);
}

describe.each(platforms)('returnTo on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(() => {
    browser = new Browser();
  });

  /** Logs in with this query and answers where the callback leads to. */
  async function targetOf(query: string): Promise<string | undefined> {
    const atCallback = (url: string): boolean => url.startsWith(`${app.url}/auth/callback`);
    const { url } = await browser.navigate(`${app.url}/auth/login?${query}`, atCallback);
    const answer = await browser.open(url);
    expect(answer.status).toBe(303);
    return answer.location;
  }

  it.each(REFUSED.map((value) => [JSON.stringify(value).slice(0, 60), value]))(
    '%s leads to the default page [RET-01]',
    async (_, value) => {
      expect(await targetOf(`returnTo=${encodeURIComponent(value)}`)).toBe('/');
    },
  );

  it.each(HARMLESS)('%j leads to %j [RET-01] [RET-03]', async (value, target) => {
    const location = await targetOf(new URLSearchParams({ returnTo: value }).toString());
    expect(location).toBe(target);
    expectOwnOrigin(location, app.url);
  });

  it.each(OWN)('%j, a route of our own, leads to the default page: no loop [RET-04]', async (value) => {
    expect(await targetOf(`returnTo=${encodeURIComponent(value)}`)).toBe('/');
  });

  // As an application with the same secret, and a mistake in it, would have sealed it.
  it.each([
    ['/reports', '/reports'],
    ['/auth/login', '/'],
    ['//evil.example', '/'],
    ['/.//evil.example', '/'],
    ['https://evil.example', '/'],
    [5, '/'],
  ])('is checked again when it comes back sealed: %j leads to %j [RET-02] [CB-09]', async (kept, target) => {
    const requests = app.app.get(AuthorizationRequests, { strict: false });
    const atCallback = (url: string): boolean => url.startsWith(`${app.url}/auth/callback`);
    const { url } = await browser.navigate(`${app.url}/auth/login?returnTo=/profile`, atCallback);
    const [name = '', sealed = ''] = [...browser.cookies].find(([each]) => each.startsWith('oidc.tx.')) ?? [];
    const honest = requests.unseal(sealed, name.slice('oidc.tx.'.length));
    browser.cookies.set(name, requests.seal({ ...honest, returnTo: kept } as AuthorizationRequest));
    expect(await browser.open(url)).toMatchObject({ status: 303, location: target });
  });

  it.each([
    'returnTo[]=//evil.example',
    'returnTo[]=/profile',
    'returnTo[a]=//evil.example',
    'returnTo=//evil.example&returnTo=/profile',
    'returnTo=/%2fevil.example&returnTo=//evil.example',
    'return_to=//evil.example',
    'returnTo=%2F%2Fevil.example',
    'returnTo=%252F%252Fevil.example',
    'returnTo=%C0%AF%C0%AFevil.example',
    'returnTo=%',
    'returnTo',
    'target_link_uri=//evil.example',
  ])('of the query %s never leaves the origin [RET-02]', async (query) => {
    expectOwnOrigin(await targetOf(query), app.url);
  });
});

@Controller()
class CatchAll {
  @All('*')
  page(): string {
    return 'protected';
  }
}

@Module({ controllers: [CatchAll] })
class CatchAllModule {}

describe.each(platforms)('the path that the guard captures on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    const port = await freePort();
    url = `http://localhost:${port}`;
    @Module({
      imports: [
        OidcModule.forRoot({
          issuer: provider.issuer,
          clientId: CLIENT_ID,
          clientSecret: CLIENT_SECRET,
          baseUrl: url,
          secret: SECRET,
          allowInsecure: true,
        }),
        // After the auth routes, which it would swallow.
        CatchAllModule,
      ],
    })
    class AppModule {}
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
    app = module.createNestApplication(adapter, { logger: false });
    await app.listen(port);
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  it.each([
    '//evil.example',
    '//evil.example/x?y=1',
    '///evil.example',
    '/\\evil.example',
    '/\\\\evil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/%5Cevil.example',
    '/%2f%2fevil.example',
    '/%09/evil.example',
    '/日本',
    '/x?y=日本',
    '/x?y=//evil.example#z',
    'http://evil.example/x',
    'http://evil.example',
    'https://evil.example//x',
    `/${'a'.repeat(3000)}`,
    '/x?y=%E0%A4%A',
  ])('%s never leads away from the origin, nor to an error of the server [RET-02] [RET-03]', async (target) => {
    const [head = ''] = (await raw(url, target)).split('\r\n\r\n', 1);
    const status = Number(/^HTTP\/1\.1 (\d+)/u.exec(head)?.[1]);
    expect([302, 400, 404, 414]).toContain(status);
    const login = /^location: (.*)$/imu.exec(head)?.[1];
    if (status !== 302) return expect(login).toBeUndefined();
    expectOwnOrigin(login, url);
    const browser = new Browser();
    const atCallback = (next: string): boolean => next.startsWith(`${url}/auth/callback`);
    const { url: callback } = await browser.navigate(new URL(login ?? '', url).href, atCallback);
    expectOwnOrigin((await browser.open(callback)).location, url);
  });

  it.each<[string, Record<string, string>]>([
    ['GET', { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
    ['GET', { accept: '*/*' }],
    ['HEAD', { accept: 'text/html' }],
    ['POST', { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }],
    ['DELETE', { accept: 'text/html', 'sec-fetch-mode': 'navigate' }],
  ])('is none for %s with %j, which no login could repeat [RET-05]', async (method, headers) => {
    const answer = await new Browser().send(`${url}/deep/page?x=1`, { method, headers });
    expect(answer).toMatchObject({ status: 401, location: undefined, setCookies: [] });
  });

  it('leads back to where the user was [RET-05]', async () => {
    const page = await new Browser().navigate(`${url}/deep/page?x=1&y=%C3%A4`);
    expect(page).toMatchObject({ status: 200, url: `${url}/deep/page?x=1&y=%C3%A4`, body: 'protected' });
  });
});

describe('the list of payloads', () => {
  it('has more than 120 that are refused, each once, and none that the function lets through [RET-01]', () => {
    expect(new Set(REFUSED).size).toBe(REFUSED.length);
    expect(REFUSED.length).toBeGreaterThan(120);
    expect(REFUSED.filter((value) => localPath(value) !== undefined)).toEqual([]);
    expect(HARMLESS.map(([value]) => localPath(value))).toEqual(HARMLESS.map(([, target]) => target));
  });
});

describe('any text as returnTo', () => {
  const BASE = 'https://app.example';
  const nasty = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '/',
          '//',
          '\\',
          '.',
          '..',
          '%2f',
          '%5c',
          '%2e',
          '@',
          ':',
          '?',
          '#',
          ';',
          'https:',
          'evil.example',
        ),
        fc.constantFrom('\t', '\n', '\r', '\u0000', ' ', '\u00a0', '／', '\u2028', '\ufeff', '[', ']', 'javascript:'),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(''));
  const anyText = fc.oneof(
    nasty,
    nasty.map((text) => `/${text}`),
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.webPath(),
  );
  const urls = {
    afterLogin: '/home',
    pathOf: (route: string) => `/auth/${route}`,
  } as unknown as PublicUrls;

  it('stays on the origin, in ASCII, and means the same when it is read again [RET-01] [RET-03]', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const target = new ReturnTo(urls).resolve(text);
        expectOwnOrigin(target, BASE);
        expect(Buffer.byteLength(target)).toBeLessThanOrEqual(2048);
        expect(new ReturnTo(urls).resolve(target)).toBe(target);
      }),
      { numRuns: 3000 },
    );
  });

  it('is refused, not converted, when it is no text [RET-01] [TYP-01]', () => {
    fc.assert(fc.property(fc.anything(), (value) => typeof value === 'string' || localPath(value) === undefined));
    expect(localPath(['/profile'])).toBeUndefined();
  });
});

function raw(url: string, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n`);
  });
}
