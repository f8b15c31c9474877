import { Controller, Get, Param, Req } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CurrentSession, CurrentUser, MemorySessionStore, SessionService, type Claims, type Session } from 'nest-oidc';
import { sessionIdOf } from '../../lib/session/session-token.js';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { JWT } from '../support/canary.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/gate.js';
import { ACCESS_TOKEN, REFRESH_TOKEN, ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, SECRET, type TestApp } from '../support/test-app.js';
import { CLIENT_SECRET } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

const HOUR = 3600;
const UNKNOWN = 'A'.repeat(43);

/** What handlers were given, and a door that they wait at. */
const seen: { user: Claims; session: Session }[] = [];
let door = gate();

@Controller('handler')
class Handler {
  @Get('waits/:name')
  async waits(@CurrentUser() user: Claims, @CurrentSession() session: Session, @Param('name') name: string) {
    seen.push({ user, session });
    await door.passed;
    return { name, sub: user.sub, session: session.id };
  }

  @Get('changes')
  changes(@CurrentUser() user: Claims, @CurrentSession() session: Session, @Req() request: { user: Claims }) {
    const attempts = [
      () => Object.assign(user, { sub: 'mallory' }),
      () => Object.assign(request.user, { role: 'admin' }),
      () => Object.assign(user['address'] as object, { country: 'XX' }),
      () => Object.assign(session, { sub: 'mallory' }),
      () => Object.assign(session.claims, { sub: 'mallory' }),
    ];
    return attempts.map((attempt) => {
      try {
        attempt();
        return 'changed';
      } catch (error) {
        return (error as Error).name;
      }
    });
  }
}

describe.each(platforms)('a session on %s', (platform) => {
  const store = new MemorySessionStore();
  let provider: ScriptedProvider;
  let app: TestApp;
  let other: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    const session = { store, idleTimeout: HOUR, absoluteLifetime: 2 * HOUR };
    app = await startAppAt(provider, { platform, options: { session }, controllers: [Handler] });
    other = await startAppAt(provider, { platform, options: { session } });
  });

  afterAll(async () => {
    await app.close();
    await other.close();
    await provider.stop();
  });

  beforeEach(async () => {
    provider.reset();
    app.events.length = 0;
    browser = await logIn('alice');
  });

  afterEach(() => void jest.restoreAllMocks());

  async function logIn(sub: string): Promise<Browser> {
    provider.sub = sub;
    const user = new Browser();
    await user.navigate(`${app.url}/auth/login`);
    return user;
  }

  const sidOf = (user: Browser): string => user.cookies.get('sid') ?? '';
  const ask = (sid: string, path = '/profile', at = app): Promise<BrowserResponse> =>
    new Browser().fetch(`${at.url}${path}`, { headers: { cookie: `sid=${sid}` } });

  it('is named by 256 random bits, and a name that the server did not give is never adopted [SES-01]', async () => {
    expect(sidOf(browser)).toMatch(/^[\w-]{43}$/u);
    const planted = new Browser();
    planted.cookies.set('sid', UNKNOWN);
    await planted.navigate(`${app.url}/auth/login`);
    expect(sidOf(planted)).not.toBe(UNKNOWN);
    expect((await ask(UNKNOWN)).status).toBe(401);
    expect((await ask(sidOf(planted))).status).toBe(200);
  });

  it('goes on as long as it is used once an hour [SES-03]', async () => {
    const time = new TimeTravel();
    try {
      time.forward(HOUR - 60);
      expect((await ask(sidOf(browser))).status).toBe(200);
      time.forward(HOUR - 60);
      expect((await ask(sidOf(browser))).status).toBe(200);
    } finally {
      time.end();
    }
  });

  it('ends an hour after it was used for the last time, by the clock of the server [SES-03]', async () => {
    const time = new TimeTravel();
    try {
      time.forward(HOUR + 1);
      expect((await ask(sidOf(browser))).status).toBe(401);
    } finally {
      time.end();
    }
  });

  it('ends two hours after the login, however much it is used [SES-03]', async () => {
    const time = new TimeTravel();
    try {
      for (let quarter = 1; quarter < 8; quarter += 1) {
        time.forward(HOUR / 4);
        expect((await ask(sidOf(browser))).status).toBe(200);
      }
      time.forward(HOUR / 4);
      expect((await ask(sidOf(browser))).status).toBe(401);
    } finally {
      time.end();
    }
  });

  it('opens nothing on any instance once it was logged out on one, for whoever kept its cookie [SES-04]', async () => {
    const kept = sidOf(browser);
    expect((await ask(kept, '/profile', other)).status).toBe(200);
    expect((await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' })).status).toBe(200);
    for (const instance of [app, other]) {
      for (const path of ['/profile', '/auth/me', '/token', '/guarded']) {
        expect((await ask(kept, path, instance)).status).toBe(401);
      }
      expect((await ask(kept, '/maybe', instance)).json()).toEqual({ sub: null });
    }
  });

  it('is not mistaken for a login under way, a state, or what else is of its form [SES-06]', async () => {
    const another = new Browser();
    const atCallback = (url: string): boolean => url.startsWith(`${app.url}/auth/callback`);
    const callback = new URL((await another.navigate(`${app.url}/auth/login`, atCallback)).url);
    const [transaction] = [...another.cookies.values()];
    const state = callback.searchParams.get('state') ?? '';
    await another.open(callback.href);
    // The mark of a used state is kept under its hash, as a session is under that of its cookie.
    const read = jest.spyOn(store, 'get');
    for (const sid of [state, transaction ?? '', sessionIdOf(sidOf(browser))])
      expect((await ask(sid)).status).toBe(401);
    expect(read.mock.calls.map(([key]) => key)).toContain(sessionIdOf(state));
    const asState = `${app.url}/auth/callback?code=x&state=${sidOf(browser)}`;
    expect((await browser.open(asState)).status).toBe(400);
    expect((await ask(sidOf(browser))).status).toBe(200);
  });

  it.each(['/profile', '/auth/me', '/guarded', '/token'])(
    'that is damaged in the store is none: %s answers 401, it is removed and told once [SES-07]',
    async (path) => {
      const id = await damage(sidOf(browser));
      expect((await ask(sidOf(browser), path)).status).toBe(401);
      expect((await ask(sidOf(browser), path)).status).toBe(401);
      expect(await store.get(id)).toBeUndefined();
      expect(app.events.filter(({ name }) => name === 'session.unreadable')).toHaveLength(1);
    },
  );

  it('that cannot be read is nobody’s to /auth/me, which redirects nobody', async () => {
    const options = { secret: 'zK4-another-secret-that-only-tests-use', session: { store } };
    const stranger = await startAppAt(provider, { platform, options });
    try {
      const headers = { cookie: `sid=${sidOf(browser)}`, accept: 'text/html', 'sec-fetch-mode': 'navigate' };
      const answer = await new Browser().send(`${stranger.url}/auth/me`, { headers });
      expect([answer.status, answer.setCookies]).toEqual([401, []]);
      expect(answer.json()).toMatchObject({ error: 'login_required' });
    } finally {
      await stranger.close();
    }
  });

  it('that is damaged in the store keeps nobody from logging in or out again [SES-07]', async () => {
    await damage(sidOf(browser));
    expect((await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' })).status).toBe(200);
    browser = await logIn('alice');
    await damage(sidOf(browser));
    const page = await browser.navigate(`${app.url}/profile`);
    expect([page.url, page.status]).toEqual([`${app.url}/profile`, 200]);
  });

  /** Flips a bit of what the store holds, and answers under which id. */
  async function damage(sid: string): Promise<string> {
    const id = sessionIdOf(sid);
    const stored = await store.get(id);
    if (!stored) throw new Error('There is nothing to damage.');
    const data = Uint8Array.from(stored.data);
    data.set([(data.at(-1) ?? 0) ^ 1], data.length - 1);
    await store.create(id, { ...stored, data });
    return id;
  }

  it('is not made, looked up or kept alive for visitors [SES-08]', async () => {
    const calls = (['get', 'create', 'touch', 'lock', 'markUsed'] as const).map((name) => jest.spyOn(store, name));
    for (const path of ['/', '/maybe', '/profile', '/token', '/auth/me', '/auth/login', '/auth/callback', '/nowhere']) {
      for (const answer of [
        await new Browser().open(`${app.url}${path}`),
        await new Browser().fetch(`${app.url}${path}`),
      ]) {
        expect(answer.setCookies.filter((cookie) => cookie.startsWith('sid='))).toEqual([]);
      }
    }
    await new Browser().fetch(`${app.url}/auth/logout`, { method: 'POST' });
    for (const call of calls) expect(call).not.toHaveBeenCalled();
  });

  it('shows scripts the public claims alone, and the browser nothing else of it [SES-12] [BFF-05]', async () => {
    provider.script.idToken = (parts) => ({
      ...parts,
      claims: { ...parts.claims, email: 'alice@example.com', role: 'secret-role', sid: 'secret-sid' },
    });
    const answers: BrowserResponse[] = [];
    const user = new Browser();
    const atCallback = (url: string): boolean => url.startsWith(`${app.url}/auth/callback`);
    answers.push(await user.open(`${app.url}/profile`));
    const { url } = await user.navigate(`${app.url}/auth/login?returnTo=/maybe`, atCallback);
    answers.push(await user.open(url));
    const me = await user.fetch(`${app.url}/auth/me`);
    expect(me.json()).toEqual({ sub: 'alice', email: 'alice@example.com' });
    answers.push(me, await user.fetch(`${app.url}/maybe`), await user.open(`${app.url}/guarded`));
    answers.push(await user.send(`${app.url}/notes`, { method: 'POST', headers: { origin: 'https://evil.example' } }));
    answers.push(await user.open(url), await user.open(`${app.url}/auth/login`));
    answers.push(
      await user.fetch(`${app.url}/auth/logout`, { method: 'POST' }),
      await user.fetch(`${app.url}/profile`),
    );
    const shown = JSON.stringify(answers) + JSON.stringify([...user.cookies]);
    const secrets = [ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET, SECRET, 'secret-role', 'secret-sid'];
    for (const secret of secrets) expect(shown).not.toContain(secret);
    expect(shown).not.toMatch(JWT);
    expect(me.headers.vary).toMatch(/cookie/iu);
  });

  describe('while the store fails', () => {
    const failures: readonly (readonly [string, () => Promise<never>])[] = [
      ['rejects', () => Promise.reject(new Error('ECONNRESET'))],
      // oxlint-disable-next-line prefer-promise-reject-errors
      ['rejects with what is no error', () => Promise.reject('text')],
      [
        'throws',
        () => {
          throw new TypeError('not a function');
        },
      ],
    ];

    it.each(failures)('opens nothing and is kept: the store %s [SES-13] [ERR-01]', async (_, fail) => {
      const reads = jest.spyOn(store, 'get').mockImplementation(fail);
      for (const path of ['/profile', '/guarded', '/token', '/auth/me']) {
        for (const answer of [await ask(sidOf(browser), path), await ask(UNKNOWN, path)]) {
          expect(answer.status).toBe(503);
          expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
          expect(answer.setCookies).toEqual([]);
        }
      }
      expect((await browser.open(`${app.url}/profile`)).status).toBe(503);
      expect((await browser.fetch(`${app.url}/notes`, { method: 'POST' })).status).toBe(503);
      expect((await browser.fetch(`${app.url}/maybe`)).json()).toEqual({ sub: null });
      reads.mockRestore();
      expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
    });

    it('is asked for once per request: no retries add to the load [SES-13]', async () => {
      const reads = jest.spyOn(store, 'get').mockRejectedValue(new Error('ECONNRESET'));
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(sidOf(browser))));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
      expect(reads).toHaveBeenCalledTimes(50);
      expect(app.events.filter(({ name }) => name === 'store.unavailable')).toHaveLength(1);
    });
  });

  describe('in a handler', () => {
    it('is that of its own request, however many are served at once [NST-03]', async () => {
      const [alice, bob] = [browser, await logIn('bob')];
      door = gate();
      seen.length = 0;
      const asked = Array.from({ length: 40 }, async (_, index) => {
        const user = index % 2 ? bob : alice;
        return { index, answer: (await user.fetch(`${app.url}/handler/waits/${index}`)).json() };
      });
      await eventually(() => expect(seen).toHaveLength(40));
      door.open();
      for (const { index, answer } of await Promise.all(asked)) {
        const user = index % 2 ? bob : alice;
        expect(answer).toEqual({
          name: String(index),
          sub: index % 2 ? 'bob' : 'alice',
          session: sessionIdOf(sidOf(user)),
        });
      }
    });

    it('is an object of its own for every request [NST-03]', async () => {
      door.open();
      seen.length = 0;
      for (let turn = 0; turn < 3; turn += 1) await browser.fetch(`${app.url}/handler/waits/x`);
      expect(new Set(seen.map(({ session }) => session)).size).toBe(3);
      expect(new Set(seen.map(({ user }) => user)).size).toBe(3);
      const sessions = app.app.get(SessionService);
      const find = (): Promise<Session | undefined> => sessions.find({ headers: { cookie: `sid=${sidOf(browser)}` } });
      expect(await find()).not.toBe(await find());
    });

    it('cannot be changed, nor can its claims [NST-03]', async () => {
      provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, address: { country: 'CZ' } } });
      const user = await logIn('alice');
      const attempts = await user.fetch(`${app.url}/handler/changes`);
      expect(attempts.json()).toEqual(Array.from({ length: 5 }, () => 'TypeError'));
      expect((await user.fetch(`${app.url}/profile`)).json()).toMatchObject({
        user: { sub: 'alice', address: { country: 'CZ' } },
      });
    });
  });
});
