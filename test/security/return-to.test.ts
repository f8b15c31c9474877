import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OidcModule } from 'nest-oidc';
import { connect } from 'node:net';
import { ReturnTo } from '../../lib/login/return-to.js';
import { localPath } from '../../lib/options/local-path.js';
import type { PublicUrls } from '../../lib/options/public-urls.js';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { freePort, platforms, SECRET, type TestApp } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';

/** As they stand in the value, after the query is decoded. */
const HOSTILE: readonly string[] = [
  '//evil.example',
  '//evil.example/%2f..',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '/\\/evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/x/..//evil.example',
  '/x/%2e%2e//evil.example',
  '/%2e//evil.example',
  '/.\\/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/\u0000/evil.example',
  '/x\r\nLocation: https://evil.example',
  '/x\r\nSet-Cookie: sid=evil',
  'https://evil.example',
  'HTTPS://EVIL.EXAMPLE',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'http://localhost@evil.example',
  '//localhost@evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:x',
  'file:///etc/passwd',
  'evil.example',
  '@evil.example',
  '.evil.example',
  ':80',
  '?x=//evil.example',
  '#//evil.example',
  '',
  ' ',
  '*',
  'null',
  '/\u007f/evil.example',
  '\ufeff//evil.example',
  '／／evil.example',
  '\u2028//evil.example',
  `/${'a'.repeat(3000)}`,
  `/${'é'.repeat(1000)}`,
  '[object Object]',
];

/** Odd, but of our own: the user gets there. */
const ODD: readonly (readonly [string, string])[] = [
  ['/%5Cevil.example', '/%5Cevil.example'],
  ['/%2f/evil.example', '/%2f/evil.example'],
  ['/%09/evil.example', '/%09/evil.example'],
  ['/日本', '/%E6%97%A5%E6%9C%AC'],
  ['/x?y=//evil.example', '/x?y=//evil.example'],
  ['/x#//evil.example', '/x#//evil.example'],
  ['/x?y="<>', '/x?y=%22%3C%3E'],
  ['/@evil.example', '/@evil.example'],
  ['/:80', '/:80'],
  ['/https://evil.example', '/https://evil.example'],
  ['/a b', '/a%20b'],
  ['/x/../y', '/y'],
  ['/x//evil.example', '/x//evil.example'],
  ['/\ud800', '/%EF%BF%BD'],
  ['/／evil.example', '/%EF%BC%8Fevil.example'],
];

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

  it.each(HOSTILE.map((value) => [JSON.stringify(value).slice(0, 60), value]))(
    '%s leads to the default page',
    async (_, value) => {
      expect(await targetOf(`returnTo=${encodeURIComponent(value)}`)).toBe('/');
    },
  );

  it.each(ODD)('%j leads to %j', async (value, target) => {
    const location = await targetOf(new URLSearchParams({ returnTo: value }).toString());
    expect(location).toBe(target);
    expectOwnOrigin(location, app.url);
  });

  it.each(OWN)('%j, a route of our own, leads to the default page: no loop', async (value) => {
    expect(await targetOf(`returnTo=${encodeURIComponent(value)}`)).toBe('/');
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
  ])('of the query %s never leaves the origin', async (query) => {
    expectOwnOrigin(await targetOf(query), app.url);
  });
});

@Controller()
class CatchAll {
  @Get('*')
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
  ])('%s never leads away from the origin, nor to an error of the server', async (target) => {
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

  it('leads back to where the user was', async () => {
    const page = await new Browser().navigate(`${url}/deep/page?x=1&y=%C3%A4`);
    expect(page).toMatchObject({ status: 200, url: `${url}/deep/page?x=1&y=%C3%A4`, body: 'protected' });
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

  it('stays on the origin, in ASCII, and means the same when it is read again', () => {
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

  it('is refused, not converted, when it is no text', () => {
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
