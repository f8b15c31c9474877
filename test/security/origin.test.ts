import { All, Controller, Post } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CurrentUser, OptionalAuth, Public, SkipOriginCheck } from 'nest-oidc';
import { problemsOf, resolve } from '../options/valid-options.js';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';
import { TimeTravel } from '../support/time-travel.js';

type Headers = Readonly<Record<string, string>>;

const EVIL: Headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
const FORM: Headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

/** Every request that got to a handler. */
const served: string[] = [];

@Controller('own')
class OwnPages {
  @All('anything')
  anything(): void {
    served.push('anything');
  }

  @Public()
  @Post('webhook')
  webhook(@CurrentUser('sub') sub: string | undefined): { sub: string | null } {
    return { sub: sub ?? null };
  }

  @SkipOriginCheck()
  @Post('partner')
  partner(@CurrentUser('sub') sub: string | undefined): { sub: string | null } {
    return { sub: sub ?? null };
  }

  @SkipOriginCheck()
  @OptionalAuth()
  @Post('either')
  either(@CurrentUser('sub') sub: string | undefined): { sub: string | null } {
    return { sub: sub ?? null };
  }
}

@SkipOriginCheck()
@Controller('partners')
class Partners {
  @Post()
  plain(): void {}

  @SkipOriginCheck(false)
  @Post('checked')
  checked(): void {}
}

const controllers = [OwnPages, Partners];

describe.each(platforms)('a request that changes state on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform, controllers });
    browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(() => {
    served.length = 0;
    app.events.length = 0;
  });

  const send = (path: string, headers: Headers, method = 'POST', from = browser): Promise<BrowserResponse> =>
    from.send(`${app.url}${path}`, { method, headers: { accept: 'application/json', ...headers } });

  it.each<[string, Headers]>([
    ['of our own page', { 'sec-fetch-site': 'same-origin' }],
    ['of what is no browser', {}],
    ['of a form on a page that hides its origin', { origin: 'null', 'sec-fetch-site': 'same-origin' }],
  ])('is served when it is that %s [BFF-02]', async (_, headers) => {
    expect((await send('/own/anything', headers)).status).toBeLessThan(300);
    expect(served).toEqual(['anything']);
  });

  it.each<[string, Headers, string]>([
    ['another site', EVIL, 'origin'],
    ['another site in a browser without Sec-Fetch', { origin: 'https://evil.example' }, 'origin'],
    ['a sibling domain', { 'sec-fetch-site': 'same-site' }, 'sec_fetch'],
    ['another port of our host', { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' }, 'origin'],
    ['a frame in a sandbox', { origin: 'null', 'sec-fetch-site': 'cross-site' }, 'origin'],
    ['another site that names itself in Host', { ...EVIL, host: 'evil.example' }, 'origin'],
    [
      'another site behind forwarding headers',
      { ...EVIL, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' },
      'origin',
    ],
  ])(
    'of %s is refused with 403, no handler sees it, and it is told [BFF-02] [HST-01] [LOG-01]',
    async (_, headers, sign) => {
      const answer = await send('/own/anything', headers);
      expect(answer.status).toBe(403);
      expect(answer.json()).toEqual({ error: 'csrf_rejected', correlationId: expect.stringMatching(/^[\w-]{12}$/u) });
      expect(answer.setCookies).toEqual([]);
      expect(served).toEqual([]);
      expect(app.events[0]).toEqual({ name: 'request.cross_origin', reason: sign });
    },
  );

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('is refused from another site as %s [BFF-02]', async (method) => {
    expect((await send('/own/anything', EVIL, method)).status).toBe(403);
    expect(served).toEqual([]);
  });

  it.each(['GET', 'HEAD'])('is not what %s is: another site may link to us', async (method) => {
    expect((await send('/own/anything', EVIL, method)).status).toBe(200);
  });

  it('is refused before its session does anything: no refresh is sent for it', async () => {
    const time = new TimeTravel();
    time.forward(3700);
    const before = provider.count('/token');
    expect((await send('/own/anything', EVIL)).status).toBe(403);
    expect((await send('/maybe', EVIL)).status).toBe(403);
    expect(provider.count('/token')).toBe(before);
    time.end();
  });

  it('is told 401 first when it has no session [BFF-07]', async () => {
    const answer = await send('/own/anything', EVIL, 'POST', new Browser());
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ error: 'login_required' });
    expect([answer.location, answer.setCookies]).toEqual([undefined, []]);
  });

  it('is taken from anybody where the route is public, and is nobody’s there', async () => {
    for (const from of [browser, new Browser()]) {
      const answer = await send('/own/webhook', EVIL, 'POST', from);
      expect([answer.status, answer.json()]).toEqual([201, { sub: null }]);
    }
  });

  it('does not log out from another site [BFF-02]', async () => {
    expect((await send('/auth/logout', EVIL)).status).toBe(403);
    expect((await send('/auth/logout', { origin: 'null' })).status).toBe(403);
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
  });

  describe('to a route with @SkipOriginCheck()', () => {
    it('is served from another site, to the user', async () => {
      expect((await send('/own/partner', EVIL)).json()).toEqual({ sub: 'alice' });
      expect((await send('/own/either', EVIL)).json()).toEqual({ sub: 'alice' });
    });

    it('still needs a session', async () => {
      expect((await send('/own/partner', EVIL, 'POST', new Browser())).status).toBe(401);
      expect((await send('/own/either', EVIL, 'POST', new Browser())).json()).toEqual({ sub: null });
    });

    it('goes by the method before the class', async () => {
      expect((await send('/partners', EVIL)).status).toBe(201);
      expect((await send('/partners/checked', EVIL)).status).toBe(403);
    });
  });
});

describe.each(platforms)('with the option csrfHeader on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform, controllers, options: { csrfHeader: 'X-CSRF' } });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(async () => {
    browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
    app.events.length = 0;
  });

  const send = (path: string, headers: Headers = {}, method = 'POST'): Promise<BrowserResponse> =>
    browser.fetch(`${app.url}${path}`, { method, headers });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'a %s of a user without the header is refused [BFF-01]',
    async (method) => {
      const answer = await send('/own/anything', {}, method);
      expect([answer.status, answer.json()]).toEqual([403, expect.objectContaining({ error: 'csrf_rejected' })]);
      expect(app.events[0]).toEqual({ name: 'request.cross_origin', reason: 'header' });
      expect((await send('/maybe')).status).toBe(403);
    },
  );

  it.each(['1', '0', ''])('the value %j will do [BFF-01]', async (value) => {
    expect((await send('/own/anything', { 'x-csrf': value })).status).toBe(200);
  });

  it('the header does not make up for another origin [BFF-01] [BFF-02]', async () => {
    expect((await send('/own/anything', { ...EVIL, 'x-csrf': '1' })).status).toBe(403);
  });

  it('reading needs no header', async () => {
    expect((await send('/profile', {}, 'GET')).status).toBe(200);
  });

  it('routes without a session, or that skip the check, need no header', async () => {
    for (const path of ['/own/webhook', '/own/partner', '/partners']) expect((await send(path)).status).toBe(201);
    browser.cookies.clear();
    expect((await send('/maybe')).status).toBe(201);
    expect((await send('/own/anything')).status).toBe(401);
  });

  it('a form logs out without it, and only one of our own', async () => {
    const form = (origin: string): Promise<BrowserResponse> =>
      browser.send(`${app.url}/auth/logout`, { method: 'POST', headers: { ...FORM, origin } });
    expect((await form('https://evil.example')).status).toBe(403);
    expect((await form(app.url)).status).toBe(303);
    expect(browser.cookies.size).toBe(0);
  });
});

describe('the option csrfHeader [BFF-01]', () => {
  it.each([
    ['what every page may send', ['Accept', 'accept-language', 'Content-Type', 'Range', 'DPR']],
    [
      'what browsers send by themselves',
      ['Origin', 'Cookie', 'Referer', 'User-Agent', 'Sec-Fetch-Site', 'Host', 'DNT'],
    ],
    ['what browsers may send by themselves', ['Authorization', 'Upgrade-Insecure-Requests', 'If-None-Match', 'X-Moz']],
    ['what proxies add', ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP', 'X-Request-Id', 'Proxy-Authorization']],
    ['what is no name of a header', ['', ' ', 'x csrf', 'x-csrf:', 'x-csrf\n', 'é', true, ['x-csrf']]],
  ])('refuses %s: it would prove nothing', (_, names) => {
    for (const csrfHeader of names) {
      expect(problemsOf({ csrfHeader })).toEqual([expect.stringMatching(/^csrfHeader: must be /u)]);
    }
  });

  it('takes any other name, in any case', () => {
    expect(resolve().csrfHeader).toBeUndefined();
    expect(resolve({ csrfHeader: 'X-CSRF' }).csrfHeader).toBe('x-csrf');
    for (const csrfHeader of ['csrf', 'X-Requested-With', 'token-handler-version', 'accepted', 'viaduct']) {
      expect(resolve({ csrfHeader }).csrfHeader).toBe(csrfHeader.toLowerCase());
    }
  });
});
