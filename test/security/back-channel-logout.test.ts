import {
  BadRequestException,
  Catch,
  Controller,
  Post,
  Req,
  Res,
  VersioningType,
  type ArgumentsHost,
  type ExceptionFilter,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthService, Public } from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { createClient } from 'redis';
import { map } from 'rxjs';
import type { PlatformRequest, PlatformResponse } from '../../lib/http/platform.js';
import { MemorySessionStore } from '../../lib/store/memory-session-store.js';
import { WatchedStore } from '../session/given.js';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { logoutToken } from '../support/logout-token.js';
import { logOutAt } from '../support/provider-logout.js';
import { RedisServer } from '../support/redis-server.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { freePort } from '../support/free-port.js';
import { platforms, startApp, type TestApp } from '../support/test-app.js';
import { TestProvider } from '../support/test-provider.js';

const PATH = '/auth/backchannel-logout';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const KIB = 1024;

/** As a provider sends it: no cookie, no origin, nothing that a browser adds. */
const post = (app: TestApp, body: string, headers: Readonly<Record<string, string>> = FORM, path = PATH) =>
  new Browser().send(app.url + path, { method: 'POST', body, headers });

async function loggedIn(app: TestApp): Promise<Browser> {
  const browser = new Browser();
  await browser.navigate(`${app.url}/auth/login`);
  return browser;
}

async function isLoggedIn(app: TestApp, browser: Browser): Promise<boolean> {
  return (await browser.fetch(`${app.url}/auth/me`)).status === 200;
}

function expectRefusal(answer: BrowserResponse, status: number): void {
  expect([answer.status, answer.body]).toEqual([status, '{"error":"invalid_request"}']);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expectPrivate(answer);
}

function expectPrivate({ headers, setCookies }: BrowserResponse): void {
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers.etag).toBeUndefined();
  expect(setCookies).toEqual([]);
}

const parsers = [
  ['with the body parser of Nest', {}],
  ['with `bodyParser: false`', { bodyParser: false }],
] as const;
const worlds = platforms.flatMap((platform) => parsers.map(([how, nest]) => [platform, how, nest] as const));

describe.each(worlds)('back-channel logout on %s %s', (platform, _how, nest) => {
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform, nest });
  });

  afterEach(() => provider.reset());

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  const form = (...others: [string, string][]): string =>
    new URLSearchParams([['logout_token', logoutToken(provider)], ...others]).toString();

  it('answers 200 with an empty body, and the session is over at its next request [BCL-01]', async () => {
    const browser = await loggedIn(app);
    expect(await isLoggedIn(app, browser)).toBe(true);
    const answer = await post(app, form());
    expect([answer.status, answer.body]).toEqual([200, '']);
    expectPrivate(answer);
    expect(await isLoggedIn(app, browser)).toBe(false);
  });

  it('ignores other parameters, whatever they are called [BCL-01] [NST-04]', async () => {
    const browser = await loggedIn(app);
    const others: [string, string][] = [
      ['state', 'x'],
      ['state', 'y'],
      ['iss', ''],
      ['logout_token[x]', 'z'],
      ['constructor', 'c'],
    ];
    expect((await post(app, `${form(...others)}&&=&a`)).status).toBe(200);
    expect(await isLoggedIn(app, browser)).toBe(false);
  });

  it.each([
    ['application/x-www-form-urlencoded; charset=utf-8'],
    ['application/x-www-form-urlencoded;charset=UTF-8'],
    ['Application/X-WWW-Form-Urlencoded'],
  ])('takes the content type %s [BCL-01]', async (contentType) => {
    expect((await post(app, form(), { 'content-type': contentType })).status).toBe(200);
  });

  it('needs no session, no cookie and no origin, and does not mind another one [BCL-11]', async () => {
    const foreign = { origin: 'https://login.example.com', 'sec-fetch-site': 'cross-site', cookie: 'sid=x; sid=y' };
    const answer = await post(app, form(), { ...FORM, ...foreign });
    expect(answer.status).toBe(200);
    expectPrivate(answer);
  });

  it.each([
    ['no logout token', ''],
    ['an empty one', 'logout_token='],
    ['its name only', 'logout_token'],
    ['another name', 'LOGOUT_TOKEN=x'],
    ['something else than a token', 'logout_token=x'],
    ['what looks like one', 'logout_token=eyJhbGciOiJub25lIn0.e30.'],
  ])('answers 400 to %s [BCL-01]', async (_what, body) => {
    expectRefusal(await post(app, body), 400);
  });

  it('answers 400 to a repeated logout token, valid or not, and ends nothing [BCL-01]', async () => {
    const browser = await loggedIn(app);
    const token = logoutToken(provider);
    expectRefusal(await post(app, `logout_token=${token}&logout_token=${token}`), 400);
    expectRefusal(await post(app, `logout_token=${token}&logout_token=`), 400);
    expect(await isLoggedIn(app, browser)).toBe(true);
  });

  it('answers 400 to an invalid token, ends nothing, and tells which check failed [BCL-01]', async () => {
    const browser = await loggedIn(app);
    const token = logoutToken(provider, ({ claims, ...rest }) => ({ ...rest, claims: { ...claims, aud: 'another' } }));
    app.events.length = 0;
    expectRefusal(await post(app, `logout_token=${token}`), 400);
    expect(app.events).toContainEqual(
      expect.objectContaining({ name: 'request.failed', code: 'logout_token_invalid', reason: 'aud' }),
    );
    expect(await isLoggedIn(app, browser)).toBe(true);
  });

  it('does not look for the token in the query [BCL-01]', async () => {
    expectRefusal(await post(app, '', FORM, `${PATH}?${form()}`), 400);
  });

  it('answers 413 to a body over 64 KiB, and takes one just below [BCL-11]', async () => {
    const filler = (bytes: number): string => `${form()}&x=`.padEnd(bytes, 'x');
    expect((await post(app, filler(64 * KIB))).status).toBe(200);
    expectRefusal(await post(app, filler(64 * KIB + 1)), 413);
  });

  it('answers 413 to a body over 64 KiB that does not tell its length [BCL-11]', async () => {
    const answer = await inPieces(app.url + PATH, [`${form()}&x=`, 'x'.repeat(40 * KIB), 'x'.repeat(30 * KIB)]);
    expect(answer).toEqual([413, '{"error":"invalid_request"}']);
  });

  it('puts a body together that comes in pieces [BCL-01]', async () => {
    const body = form();
    expect(await inPieces(app.url + PATH, [body.slice(0, 20), body.slice(20, 21), body.slice(21)])).toEqual([200, '']);
  });

  it('survives a request that is broken off [BCL-11]', async () => {
    await brokenOff(app.url + PATH);
    expect((await post(app, form())).status).toBe(200);
  });

  it.each([
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencodedx',
    '',
  ])('answers 415 to the content type %j [BCL-01]', async (contentType) => {
    const browser = await loggedIn(app);
    const body = contentType === 'application/json' ? JSON.stringify({ logout_token: logoutToken(provider) }) : form();
    const answer = await post(app, body, contentType ? { 'content-type': contentType } : {});
    expect(answer.status).toBe(415);
    expect(answer.setCookies).toEqual([]);
    expect(await isLoggedIn(app, browser)).toBe(true);
  });

  it('answers 415 to a body that is compressed [BCL-11]', async () => {
    const headers = { ...FORM, 'content-encoding': 'gzip' };
    const answer = await inPieces(app.url + PATH, [gzipSync(form())], headers);
    expect(answer).toEqual([415, '{"error":"invalid_request"}']);
  });

  it.each(['GET', 'PUT', 'DELETE'])('does not answer %s [BCL-01]', async (method) => {
    const answer = await new Browser().send(app.url + PATH, { method, headers: { accept: '*/*' } });
    expect([404, 405]).toContain(answer.status);
  });
});

describe.each(platforms)('back-channel logout on %s that reads the body itself', (platform) => {
  it.each([
    ['tells its length', { 'content-length': String(64 * KIB + 1) }, 1],
    ['does not', {}, 65],
  ])('answers 413 before the end of a body that is too long and %s [BCL-11]', async (_what, length, sentKib) => {
    const provider = await ScriptedProvider.start();
    const app = await startAppAt(provider, { platform, nest: { bodyParser: false } });
    const answered = unfinished(app.url + PATH, 'x'.repeat(sentKib * KIB), { ...FORM, ...length });
    const status = await answered.finally(() => Promise.all([app.close(), provider.stop()]));
    expect(status).toBe(413);
  });
});

describe.each(platforms)('back-channel logout in an application of strict habits on %s', (platform) => {
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

  @Catch()
  class Teapot implements ExceptionFilter {
    catch(_error: unknown, host: ArgumentsHost): void {
      app.app.getHttpAdapter().reply(host.switchToHttp().getResponse(), 'teapot', 418);
    }
  }

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, {
      platform,
      prepare: (application) => {
        application.useGlobalPipes(strictPipe).useGlobalInterceptors(wrap).useGlobalFilters(new Teapot());
        application.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  it('answers as ever: below the prefix, without a version, whatever else is sent [NST-04]', async () => {
    const path = `/api${PATH}`;
    const answer = await post(app, `logout_token=${logoutToken(provider)}&unknown=1`, FORM, `${path}?unknown=2`);
    expect([answer.status, answer.body]).toEqual([200, '']);
    expectRefusal(await post(app, 'unknown=1', FORM, path), 400);
    expectRefusal(await post(app, 'x'.repeat(64 * KIB + 1), FORM, path), 413);
  });
});

describe.each(platforms)('back-channel logout on %s where something is away', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let store: WatchedStore;

  beforeEach(async () => {
    provider = await ScriptedProvider.start();
    store = new WatchedStore(new MemorySessionStore());
    app = await startAppAt(provider, { platform, options: { session: { store } } });
  });

  afterEach(async () => {
    await app.close();
    await provider.stop();
  });

  const send = (): Promise<BrowserResponse> => post(app, `logout_token=${logoutToken(provider)}`);

  it('answers 503 with Retry-After while the store fails, and can be repeated [BCL-01]', async () => {
    const browser = await loggedIn(app);
    const body = `logout_token=${logoutToken(provider)}`;
    store.fail('delete');
    const answer = await post(app, body);
    expect([answer.status, answer.json()['error']]).toEqual([503, 'store_unavailable']);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/u);
    expectPrivate(answer);
    store.heal('delete');
    expect((await post(app, body)).status).toBe(200);
    expect(await isLoggedIn(app, browser)).toBe(false);
  });

  it('answers 503 with Retry-After while the keys of the provider cannot be had [BCL-01]', async () => {
    provider.script.answer = ({ path }) => (path === '/jwks' ? { status: 503 } : undefined);
    const answer = await send();
    expect([answer.status, answer.json()['error']]).toEqual([503, 'provider_unreachable']);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/u);
    expectPrivate(answer);
    provider.reset();
  });

  it('answers 502 where the metadata of the provider cannot be used [BCL-01]', async () => {
    await app.close();
    provider.script.discovery = (document) => ({ ...document, issuer: 'https://another.example.com' });
    app = await startAppAt(provider, { platform });
    const answer = await send();
    expect([answer.status, answer.json()]).toEqual([
      502,
      { error: 'provider_metadata_invalid', correlationId: expect.any(String) },
    ]);
    expectPrivate(answer);
  });
});

describe.each(platforms)('a back-channel logout route of the application’s own on %s', (platform) => {
  @Public()
  @Controller()
  class OwnController {
    constructor(private readonly auth: AuthService) {}

    @Post('hooks/logout')
    logout(@Req() request: PlatformRequest, @Res() response: PlatformResponse): Promise<void> {
      return this.auth.backChannelLogout(request, response);
    }
  }

  let provider: ScriptedProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, {
      platform,
      controllers: [OwnController],
      extras: { routes: { backChannelLogout: false } },
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  it('logs out through AuthService, and the module’s route is not there', async () => {
    const browser = await loggedIn(app);
    const body = `logout_token=${logoutToken(provider)}`;
    expect((await post(app, body)).status).toBe(404);
    expect((await post(app, body, FORM, '/hooks/logout')).status).toBe(200);
    expect(await isLoggedIn(app, browser)).toBe(false);
  });
});

describe('back-channel logout beside parsers of the application’s own', () => {
  let provider: ScriptedProvider;
  let app: TestApp | undefined;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  afterAll(() => provider.stop());

  interface Fastify {
    addContentTypeParser(type: string | RegExp, options: object, parse: (...args: unknown[]) => unknown): void;
    addHook(name: 'onReady', hook: () => Promise<void>): void;
  }

  const fastifyOf = (application: INestApplication): Fastify => application.getHttpAdapter().getInstance() as Fastify;

  const asIs = (_request: unknown, body: unknown, done: unknown): void =>
    (done as (error: null, body: unknown) => void)(null, body);

  it.each([['string'], ['buffer']])(
    'takes a form that a parser of Fastify hands on as a %s [BCL-01]',
    async (parseAs) => {
      app = await startAppAt(provider, {
        platform: 'fastify',
        nest: { bodyParser: false },
        prepare: (application) =>
          fastifyOf(application).addContentTypeParser(/^application.x-www-form/u, { parseAs }, asIs),
      });
      expect((await post(app, `logout_token=${logoutToken(provider)}`)).status).toBe(200);
      expectRefusal(await post(app, 'logout_token=x&logout_token=y'), 400);
      expectRefusal(await post(app, 'x'.repeat(64 * KIB + 1)), 413);
    },
  );

  it('leaves the forms of other routes to Fastify, which refuses them without a parser [NST-04]', async () => {
    app = await startAppAt(provider, { platform: 'fastify', nest: { bodyParser: false } });
    const browser = await loggedIn(app);
    const note = await browser.fetch(`${app.url}/notes`, { method: 'POST', body: 'a=b', headers: FORM });
    expect(note.status).toBe(415);
  });

  it('leaves the forms of other routes to a parser that the application adds last [NST-04]', async () => {
    app = await startAppAt(provider, {
      platform: 'fastify',
      nest: { bodyParser: false },
      prepare: (application) => {
        const fastify = fastifyOf(application);
        fastify.addHook('onReady', async () => {
          fastify.addContentTypeParser(FORM['content-type'], { parseAs: 'string' }, asIs);
        });
      },
    });
    const browser = await loggedIn(app);
    const note = await browser.fetch(`${app.url}/notes`, { method: 'POST', body: 'a=b', headers: FORM });
    expect([note.status, note.body]).toEqual([201, 'a=b']);
    expect((await post(app, `logout_token=${logoutToken(provider)}`)).status).toBe(200);
  });

  it('takes a form that a middleware of Express hands on as text [BCL-01]', async () => {
    app = await startAppAt(provider, {
      nest: { bodyParser: false },
      prepare: (application) =>
        application.use((request: AsyncIterable<Buffer> & { body: unknown }, _response: object, next: () => void) => {
          const chunks: Buffer[] = [];
          void (async () => {
            for await (const chunk of request) chunks.push(chunk);
            request.body = Buffer.concat(chunks).toString();
            next();
          })();
        }),
    });
    expect((await post(app, `logout_token=${logoutToken(provider)}`)).status).toBe(200);
  });

  it('answers 400 where a middleware has read the form and kept it to itself [BCL-01]', async () => {
    app = await startAppAt(provider, {
      nest: { bodyParser: false },
      prepare: (application) =>
        application.use((request: NodeJS.ReadableStream, _response: object, next: () => void) => {
          request.on('end', next).resume();
        }),
    });
    expectRefusal(await post(app, `logout_token=${logoutToken(provider)}`), 400);
  });
});

describe.each(platforms)('a logout at a real provider, told over the back channel to %s', (platform) => {
  let redis: RedisServer;
  let clients: readonly Awaited<ReturnType<typeof connect>>[];
  let provider: TestProvider;
  let apps: TestApp[];

  const connect = () => createClient({ url: redis.url }).connect();

  beforeAll(async () => {
    const ports = [await freePort(), await freePort()];
    redis = await RedisServer.start();
    clients = await Promise.all(ports.map(connect));
    provider = await TestProvider.start({
      redirectUris: ports.map((port) => `http://localhost:${port}/auth/callback`),
      postLogoutRedirectUris: ports.map((port) => `http://localhost:${port}/`),
      client: {
        backchannel_logout_uri: `http://localhost:${ports[0]}${PATH}`,
        backchannel_logout_session_required: true,
      },
      configuration: {
        features: {
          devInteractions: { enabled: false },
          rpInitiatedLogout: { enabled: true },
          backchannelLogout: { enabled: true },
        },
      },
    });
    // What tells one process from another: connections, and everything the library holds, are their own.
    apps = await Promise.all(
      clients.map((client, index) => {
        const session = { store: new RedisSessionStore(client) };
        return startApp({ platform, port: ports[index] as number, issuer: provider.issuer, options: { session } });
      }),
    );
  });

  afterAll(async () => {
    for (const app of apps) await app.close();
    for (const client of clients) client.destroy();
    await redis.dispose();
    await provider.stop();
  });

  it('ends the session at its next request, in every process, and no other one [BCL-01] [BCL-08]', async () => {
    const [first, second] = apps as [TestApp, TestApp];
    const browser = await loggedIn(first);
    const elsewhere = await loggedIn(first);
    expect(await isLoggedIn(second, browser)).toBe(true);
    expect((await logOutAt(`${provider.issuer}/session/end`, browser)).status).toBe(303);
    expect(await isLoggedIn(second, browser)).toBe(false);
    expect(await isLoggedIn(first, browser)).toBe(false);
    expect(await isLoggedIn(first, elsewhere)).toBe(true);
  });
});

/** A body without a length: status and body of the answer. */
function inPieces(
  url: string,
  pieces: readonly (string | Buffer)[],
  headers: Readonly<Record<string, string>> = FORM,
): Promise<readonly [number | undefined, string]> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method: 'POST', headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => resolve([incoming.statusCode, Buffer.concat(chunks).toString()]));
    });
    outgoing.on('error', reject);
    for (const piece of pieces) outgoing.write(piece);
    outgoing.end();
  });
}

/** A client that promises more than it sends, and goes. */
function brokenOff(url: string): Promise<void> {
  return new Promise((resolve) => {
    const outgoing = httpRequest(url, { method: 'POST', headers: { ...FORM, 'content-length': '100' } });
    outgoing.on('error', () => undefined).on('close', resolve);
    outgoing.write('logout_token=', () => outgoing.destroy());
  });
}

/** A client that waits for the answer before it sends the rest: the status of the answer. */
function unfinished(
  url: string,
  start: string,
  headers: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const outgoing = httpRequest(url, { method: 'POST', headers }, ({ statusCode }) => {
      outgoing.destroy();
      resolve(statusCode);
    });
    outgoing.on('error', () => undefined).write(start);
    outgoing.setTimeout(3000, () => resolve(undefined));
  });
}
