import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, HttpException, Logger, Post, Redirect, Req, Res } from '@nestjs/common';
import { OidcCounters, Public, TokenService, type OidcEvent, type RequestWithCookies } from 'nest-oidc';
import type { ServerResponse } from 'node:http';
import { EventLog } from '../../lib/common/events.js';
import { Browser } from '../support/browser.js';
import { Canary, canary, expectNoLeaks, type SecretKind } from '../support/canary.js';
import { ScriptedProvider, startAppAt, type Json } from '../support/scripted-provider.js';
import { SECRET, type TestApp } from '../support/test-app.js';
import { CLIENT_SECRET } from '../support/test-provider.js';

const TOKENS = {
  access_token: 'Xk2vQ9aWmZ7rTn4pLs8dFg1hJy6cB3eU',
  refresh_token: 'pR5tYw0qKo9uGi2zXe7sDv4nMb1fLj8H',
} as const;

/** What a careless application does. */
@Controller('leak')
class LeakyController {
  constructor(private readonly tokens: TokenService) {}

  @Get('body')
  async body(@Req() request: RequestWithCookies): Promise<Json> {
    return { debug: await this.tokens.getAccessToken(request) };
  }

  @Get('header')
  async header(
    @Req() request: RequestWithCookies,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<string> {
    response.setHeader('x-debug', await this.tokens.getAccessToken(request));
    return 'done';
  }

  @Get('head')
  async head(@Req() request: RequestWithCookies, @Res() response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'x-debug': await this.tokens.getAccessToken(request) });
    response.write('in ');
    response.end('parts');
  }

  @Get('parts')
  async parts(@Req() request: RequestWithCookies, @Res() response: ServerResponse): Promise<void> {
    const token = await this.tokens.getAccessToken(request);
    response.write(token.slice(0, 20));
    response.end(Buffer.from(token.slice(20)));
  }

  @Get('cookie')
  async cookie(
    @Req() request: RequestWithCookies,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<string> {
    response.setHeader('set-cookie', `debug=${await this.tokens.getAccessToken(request)}; HttpOnly`);
    return 'done';
  }

  @Get('redirect')
  @Redirect()
  async redirect(@Req() request: RequestWithCookies): Promise<{ url: string }> {
    return { url: `/next?token=${await this.tokens.getAccessToken(request)}` };
  }

  @Get('error')
  async error(@Req() request: RequestWithCookies): Promise<never> {
    throw new HttpException(`The API refused ${await this.tokens.getAccessToken(request)}`, 502);
  }

  @Get('crash')
  async crash(@Req() request: RequestWithCookies): Promise<never> {
    throw new Error(`The API refused ${await this.tokens.getAccessToken(request)}`);
  }

  @Public()
  @Post('cookies')
  cookies(@Req() request: RequestWithCookies): Json {
    return { cookies: request.headers.cookie };
  }
}

describe('the canary of the test run [LOG-02] [SES-12] [BFF-05] [ERR-02]', () => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;
  let callback: URL;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    provider.script.tokenResponse = (response) => ({ ...response, ...TOKENS });
    app = await startAppAt(provider, { controllers: [LeakyController] });
    browser = new Browser();
    const { url } = await browser.navigate(`${app.url}/auth/login`, (next) => next.includes('/auth/callback?'));
    callback = new URL(url);
    await browser.open(url);
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  // What a test has planted and not looked at.
  afterEach(() => expect(canary.findings()).toEqual([]));

  const tokenRequest = (): URLSearchParams => provider.to('/token')[0]?.params ?? new URLSearchParams();
  it('finds nothing in a login, a token that is handed out on purpose, a refused request and a logout', async () => {
    const other = new Browser();
    await other.navigate(`${app.url}/auth/login?returnTo=/token`);
    expect((await other.fetch(`${app.url}/token`)).json()).toEqual({ accessToken: TOKENS.access_token });
    await other.fetch(`${app.url}/profile`);
    await other.open(callback.href);
    await other.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect(canary.findings()).toEqual([]);
  });

  it.each([
    ['body', 'the body of the answer to GET /leak/body'],
    ['parts', 'the body of the answer to GET /leak/parts'],
    ['header', 'a header of the answer to GET /leak/header'],
    ['head', 'a header of the answer to GET /leak/head'],
    ['cookie', 'the header set-cookie of the answer to GET /leak/cookie'],
    ['redirect', 'the header location of the answer to GET /leak/redirect'],
    ['error', 'the body of the answer to GET /leak/error'],
  ])('finds a token in an answer: %s', async (route, place) => {
    await browser.fetch(`${app.url}/leak/${route}`);
    expect(canary.findings()).toEqual([`access token in ${place}`]);
  });

  it('finds a token in the message of an error that nobody catches, which Nest logs', async () => {
    expect((await browser.fetch(`${app.url}/leak/crash`)).status).toBe(500);
    expect(canary.findings()).toEqual(['access token in a line of the log']);
  });

  it('finds the session cookie in a body', async () => {
    browser.cookies.delete('debug');
    await browser.fetch(`${app.url}/leak/cookies`, { method: 'POST' });
    expect(canary.findings()).toEqual(['session cookie in the body of the answer to POST /leak/cookies']);
  });

  it('finds the cookie of a login under way in a body', async () => {
    const other = new Browser();
    await other.open(`${app.url}/auth/login`);
    await other.fetch(`${app.url}/leak/cookies`, { method: 'POST' });
    expect(canary.findings()).toEqual(['transaction cookie in the body of the answer to POST /leak/cookies']);
  });

  const born: [SecretKind, () => string][] = [
    ['access token', () => TOKENS.access_token],
    ['refresh token', () => TOKENS.refresh_token],
    ['code', () => tokenRequest().get('code') ?? ''],
    ['code verifier', () => tokenRequest().get('code_verifier') ?? ''],
    ['state', () => callback.searchParams.get('state') ?? ''],
    ['nonce', () => provider.to('/authorize')[0]?.params.get('nonce') ?? ''],
    ['session cookie', () => browser.cookies.get('sid') ?? ''],
    ['client secret', () => CLIENT_SECRET],
    ['application secret', () => SECRET],
  ];

  it.each(born)('finds this in a line of the log: %s', (kind, secret) => {
    new Logger('Test').warn(`went wrong with ${secret()} today`);
    expect(canary.findings()).toEqual([`${kind} in a line of the log`]);
  });

  it('finds it in what else is logged with the line: objects, and errors with their causes', () => {
    new Logger('Test').error('went wrong', { request: { form: TOKENS } });
    expect(canary.findings()).toEqual(['access token in a line of the log', 'refresh token in a line of the log']);
    new Logger('Test').error(new Error('went wrong', { cause: TOKENS.access_token }));
    expect(canary.findings()).toEqual(['access token in a line of the log']);
  });

  it('finds it in an event', () => {
    const events = new EventLog(undefined, new OidcCounters());
    events.emit({ name: 'login.failed', reason: TOKENS.refresh_token } satisfies OidcEvent);
    expect(canary.findings().toSorted()).toEqual(['refresh token in a line of the log', 'refresh token in an event']);
  });

  it('finds it on the console and on the standard streams', () => {
    const print = (stream: NodeJS.WriteStream): boolean => stream.write(`    planted: ${TOKENS.access_token}\n`);
    print(process.stdout);
    print(process.stderr);
    expect(canary.findings()).toEqual(['access token in the standard output', 'access token in the standard error']);
    console.debug(JSON.stringify(TOKENS));
    expect(canary.findings()).toEqual(expect.arrayContaining(['access token in a line of the console']));
  });

  it('finds a part of it, as it is left when a line is cut', () => {
    new Logger('Test').warn(`token ${TOKENS.refresh_token.slice(0, 31)}…`);
    new Logger('Test').warn(`token …${TOKENS.refresh_token.slice(-20)}`);
    expect(canary.findings()).toEqual(['refresh token in a line of the log']);
  });

  it('finds it where it was heard before it was known', () => {
    new Logger('Test').debug('created qT7-a-session-that-begins-later-4Zw');
    canary.learn('session cookie', 'qT7-a-session-that-begins-later-4Zw');
    expect(canary.findings()).toEqual(['session cookie in a line of the log']);
  });

  it('finds any JWT, whoever made it', () => {
    new Logger('Test').warn('eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.');
    expect(canary.findings()).toEqual(['JWT in a line of the log']);
  });

  it('fails the test with a message that names the place and the kind, and not the secret', () => {
    new Logger('Test').warn(TOKENS.access_token);
    expect(expectNoLeaks).toThrow(/^Secrets where they must not be.*:\n {2}- access token in a line of the log$/u);
    expect(expectNoLeaks).not.toThrow();
  });

  it('does not forget a secret for ten thousand others that came after, if it is seen again', () => {
    const own = new Canary();
    for (let number = 0; number < 10_000; number += 1) {
      own.learn('state', `state-number-${number}-of-many`);
      own.learn('access token', TOKENS.access_token);
    }
    own.hear('a place', TOKENS.access_token);
    expect(own.findings()).toEqual(['access token in a place']);
  });
});
