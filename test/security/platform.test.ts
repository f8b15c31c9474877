import {
  BadRequestException,
  Controller,
  Get,
  VersioningType,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthGuard, OptionalAuth, Public, UnsupportedContextError } from 'nest-oidc';
import { connect } from 'node:net';
import { map } from 'rxjs';
import type { RequestAuthenticator } from '../../lib/http/request-authenticator.js';
import { RouteAccess } from '../../lib/http/route-access.js';
import type { SocketSessions } from '../../lib/http/socket-sessions.js';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';

describe.each(platforms)('a protected route on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  it.each([
    'GET /profile',
    'GET /profile/',
    'GET /profile//',
    'GET //profile',
    'GET /PROFILE',
    'GET /Profile/',
    'GET /%70rofile',
    'GET /%50ROFILE',
    'GET /profile;x=y',
    'GET /profile%2f',
    'GET /profile%20',
    'GET /profile%00',
    'GET /profile%3fx',
    'GET /profile%5c',
    'GET /profile%09',
    'GET /profile/.',
    'GET /profile/x/..',
    'GET /;/profile',
    'GET /profile;.css',
    'GET /profile.json',
    'GET /%2fprofile',
    'GET /%252570rofile',
    'GET /pr\u00f6file/../profile',
    'GET //evil.example/../profile',
    'GET *',
    'TRACE /profile',
    'PROPFIND /profile',
    'HEAD /PROFILE;x',
    'HEAD /token',
    'DELETE /notes',
    'PATCH /notes',
    'POST //notes',
    'POST /notes;x',
    'GET /profile?',
    'GET /profile?x=/auth/login',
    'GET /profile#x',
    'GET /./profile',
    'GET /auth/../profile',
    'GET /auth/login/../../profile',
    'GET /auth/login/%2e%2e/%2e%2e/profile',
    'GET /maybe/../profile',
    'GET \\profile',
    'GET /\\profile',
    'GET http://localhost/profile',
    'GET http://evil.example/profile',
    'HEAD /profile',
    'HEAD /profile/',
    'OPTIONS /profile',
    'QUERY /profile',
    'POST /notes',
    'POST /notes/',
    'POST /NOTES',
    'PUT /notes',
    'GET /token',
    'GET /guarded',
  ])('is closed to a visitor who asks for %s [NST-01]', async (line) => {
    const answer = await raw(app.url, line);
    expect(answer).toMatch(/^HTTP\/1\.1 (?:200|302|4\d\d) /u);
    // Only the list of methods that a path has is told to everybody.
    if (answer.startsWith('HTTP/1.1 200')) expect(line).toMatch(/^OPTIONS/u);
    expect(answer).not.toMatch(/"user"|accessToken|"sub"/u);
  });

  it.each([
    'x-http-method-override: HEAD',
    'x-original-url: /',
    'x-rewrite-url: /',
    'x-forwarded-prefix: /auth',
    'x-middleware-subrequest: 1',
  ])('is closed to a visitor who sends %s [NST-01] [HST-01]', async (header) => {
    expect(await raw(app.url, 'GET /profile', header)).toMatch(/^HTTP\/1\.1 401/u);
  });

  it.each<[string, Record<string, string>]>([
    ['GET http://evil.example/profile', {}],
    ['GET https://evil.example:8443/profile', {}],
    ['GET //evil.example/profile', {}],
    [
      'GET /profile',
      { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Prefix': '/evil' },
    ],
    ['GET /profile', { Forwarded: 'host=evil.example;proto=https', 'X-Original-Host': 'evil.example' }],
  ])('sends a visitor to our own login and nowhere else: %s %j [HST-01]', async (line, headers) => {
    const answer = await raw(
      app.url,
      line,
      'Accept: text/html',
      ...Object.entries(headers).map((pair) => pair.join(': ')),
    );
    const [, location = ''] = /^location: (.*)$/imu.exec(answer) ?? [];
    if (location === '') return expect(answer).toMatch(/^HTTP\/1\.1 40[014] /u);
    expect(location).toMatch(/^\/auth\/login\?returnTo=[\w%.-]+$/u);
    const browser = new Browser();
    const page = await browser.navigate(app.url + location);
    expect(new URL(page.url).origin).toBe(app.url);
    expect(answer).not.toMatch(/^set-cookie/imu);
  });

  it('answers a user the same by its other spellings: they reach the handler through the guard [NST-01]', async () => {
    const browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
    for (const path of ['/profile', '/profile?x']) expect((await browser.fetch(`${app.url}${path}`)).status).toBe(200);
    expect((await browser.send(`${app.url}/profile`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe.each(platforms)('the auth routes in an application of strict habits on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;

  /** As a ValidationPipe with `forbidNonWhitelisted` and no class that fits: it refuses whatever it is shown. */
  const strictPipe: PipeTransform = {
    transform: (value: unknown, { type }) => {
      if (type !== 'custom') throw new BadRequestException('not whitelisted');
      return value;
    },
  };
  const wrap: NestInterceptor = { intercept: (_, next) => next.handle().pipe(map((data: unknown) => ({ data }))) };

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, {
      platform,
      prepare: (application: INestApplication) => {
        application.useGlobalPipes(strictPipe).useGlobalInterceptors(wrap).setGlobalPrefix('api');
        application.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  it('log in, tell who it is and log out, with parameters that they ignore', async () => {
    const browser = new Browser();
    const page = await browser.navigate(`${app.url}/api/auth/login?returnTo=/api/v1/profile&utm_source=x`);
    expect(page.json()).toMatchObject({ data: { user: { sub: 'alice' } } });
    expect((await browser.fetch(`${app.url}/api/auth/me?x=y`)).json()).toEqual({ sub: 'alice' });
    const logout = await browser.fetch(`${app.url}/api/auth/logout?x=y`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"unknown":1}',
    });
    expect(logout.status).toBe(200);
    expect((await browser.fetch(`${app.url}/api/v1/profile`)).status).toBe(401);
  });

  it('tell the provider the redirect URI with the prefix and without a version', () => {
    const uris = provider.to('/authorize').map(({ params }) => params.get('redirect_uri'));
    expect(uris).toEqual([`${app.url}/api/auth/callback`]);
  });

  it('ignore parameters of the callback that nobody knows', async () => {
    const browser = new Browser();
    const atCallback = (url: string): boolean => url.includes('/auth/callback');
    const { url } = await browser.navigate(`${app.url}/api/auth/login`, atCallback);
    expect((await browser.open(`${url}&session_state=x&scope=openid&authuser=0`)).status).toBe(303);
  });
});

describe('the guard', () => {
  @Controller()
  class Closed {
    @Get()
    plain(): void {}
    @Public()
    @Get()
    open(): void {}
    @OptionalAuth()
    @Get()
    optional(): void {}
  }

  @Public()
  @Controller()
  class Open {
    @Get()
    plain(): void {}
    @OptionalAuth()
    @Get()
    optional(): void {}
  }

  @OptionalAuth()
  @Controller()
  class Optional {
    @Public()
    @Get()
    open(): void {}
    @Get()
    plain(): void {}
  }

  const contextOf = (type: string, controller: { prototype: object }, method: string): ExecutionContext =>
    ({
      getType: () => type,
      getClass: () => controller,
      getHandler: () => (controller.prototype as Record<string, unknown>)[method],
      getArgs: () => (type === 'http' ? [{ method: 'GET', headers: {} }] : []),
    }) as unknown as ExecutionContext;

  const noSockets = { exceptionFor: (_socket, error) => error } as Pick<
    SocketSessions,
    'exceptionFor'
  > as SocketSessions;

  /** How the guard asks who it is: the session must be there, may be there, or is not even read. */
  async function askedOf(context: ExecutionContext): Promise<readonly string[]> {
    const asked: string[] = [];
    const authenticator = {
      require: () => Promise.resolve(asked.push('require')),
      find: () => Promise.resolve(asked.push('find')),
    } as unknown as RequestAuthenticator;
    expect(await new AuthGuard(new RouteAccess(new Reflector()), authenticator, noSockets).canActivate(context)).toBe(
      true,
    );
    return asked;
  }

  it.each(['rpc', 'ws', 'graphql', 'unheard-of', ''])(
    'refuses a handler of type %j, which it cannot judge [NST-02]',
    async (type) => {
      await expect(askedOf(contextOf(type, Closed, 'plain'))).rejects.toThrow(UnsupportedContextError);
      await expect(askedOf(contextOf(type, Closed, 'optional'))).rejects.toThrow(UnsupportedContextError);
    },
  );

  it.each(['rpc', 'ws', 'graphql'])('lets a handler of type %s through that is public [NST-02]', async (type) => {
    expect(await askedOf(contextOf(type, Closed, 'open'))).toEqual([]);
  });

  it.each<[string, { prototype: object }, string, readonly string[]]>([
    ['nothing says otherwise', Closed, 'plain', ['require']],
    ['the method is public', Closed, 'open', []],
    ['the method is optional', Closed, 'optional', ['find']],
    ['the class is public', Open, 'plain', []],
    ['the class is public and the method is optional', Open, 'optional', ['find']],
    ['the class is optional and the method is public', Optional, 'open', []],
    ['the class is optional', Optional, 'plain', ['find']],
  ])('goes by the method before the class: %s [NST-02]', async (_, controller, method, asked) => {
    expect(await askedOf(contextOf('http', controller, method))).toEqual(asked);
  });

  it('goes by the class of the request, where classes share an inherited handler [NST-02]', async () => {
    class Base {
      @Get()
      shared(): void {}
    }
    @Public()
    class OpenHeir extends Base {}
    class ClosedHeir extends Base {}
    const routes = new RouteAccess(new Reflector());
    const accessOf = (heir: { prototype: object }) => routes.of(contextOf('http', heir, 'shared')).access;
    expect([OpenHeir, ClosedHeir, OpenHeir, ClosedHeir].map(accessOf)).toEqual([
      'public',
      undefined,
      'public',
      undefined,
    ]);
  });

  it('lets nobody through when it is not known who it is [ERR-01]', async () => {
    const authenticator = { require: () => Promise.reject(new Error('anything')) } as unknown as RequestAuthenticator;
    const guard = new AuthGuard(new RouteAccess(new Reflector()), authenticator, noSockets);
    await expect(guard.canActivate(contextOf('http', Closed, 'plain'))).rejects.toThrow('anything');
  });
});

function raw(url: string, line: string, ...headers: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    const all = ['Host: localhost', 'Accept: application/json', 'Connection: close', 'Content-Length: 0', ...headers];
    socket.write([`${line} HTTP/1.1`, ...all, '', ''].join('\r\n'));
  });
}
