import { afterEach, beforeAll, beforeEach, afterAll, describe, expect, it } from '@jest/globals';
import { SessionService, type SessionOptions } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';

describe.each(platforms)('a user with several sessions on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeAll(async () => void (provider = await ScriptedProvider.start()));
  afterAll(() => provider.stop());
  beforeEach(() => provider.reset());
  afterEach(() => app.close());

  async function start(session: SessionOptions = {}): Promise<SessionService> {
    app = await startAppAt(provider, { platform, options: { session } });
    return app.app.get(SessionService);
  }

  async function loggedIn(agent?: string): Promise<Browser> {
    const browser = new Browser();
    await logIn(browser, agent);
    return browser;
  }

  async function logIn(browser: Browser, agent?: string): Promise<void> {
    let next = `${app.url}/auth/login`;
    for (let hop = 0; hop < 3; hop += 1) {
      next = (await browser.open(next, agent === undefined ? {} : { 'user-agent': agent })).location ?? '';
    }
  }

  /** Whether each of these browsers is still logged in. */
  async function areIn(...browsers: readonly Browser[]): Promise<readonly boolean[]> {
    const answers = browsers.map(async (browser) => (await browser.fetch(`${app.url}/profile`)).status === 200);
    return Promise.all(answers);
  }

  it('is logged out of all others at once, and stays here [SES-09]', async () => {
    const sessions = await start();
    const [here, there, elsewhere] = [await loggedIn(), await loggedIn(), await loggedIn()];
    const cookie = `sid=${here.cookies.get('sid')}`;
    const session = await sessions.find({ headers: { cookie } });
    if (!session) throw new Error('There is no session.');
    expect(await sessions.endOthers(session)).toBe(2);
    expect(await areIn(here, there, elsewhere)).toEqual([true, false, false]);
    expect(await sessions.list('alice')).toEqual([
      {
        id: session.id,
        createdAt: expect.any(Number),
        lastSeenAt: expect.any(Number),
        expiresAt: session.expiresAt,
      },
    ]);
  });

  it('loses the oldest session to a login beyond the limit [SES-10]', async () => {
    await start({ maxPerUser: 2 });
    const [first, second] = [await loggedIn(), await loggedIn()];
    expect(await areIn(first, second)).toEqual([true, true]);
    const third = await loggedIn();
    expect(await areIn(first, second, third)).toEqual([false, true, true]);
    provider.sub = 'bob';
    await loggedIn();
    expect(await areIn(second, third)).toEqual([true, true]);
    expect(app.events).toContainEqual(expect.objectContaining({ name: 'session.ended', cause: 'session_limit' }));
  });

  it('logs in again where there is one, and keeps the others within the limit [SES-10]', async () => {
    const sessions = await start({ maxPerUser: 2 });
    const [phone, laptop] = [await loggedIn(), await loggedIn()];
    await laptop.navigate(`${app.url}/auth/login`);
    expect(await areIn(phone, laptop)).toEqual([true, true]);
    expect(await sessions.list('alice')).toHaveLength(2);
    expect(app.events).not.toContainEqual(expect.objectContaining({ cause: 'session_limit' }));
  });

  it('sees where each login came from, where the application has that recorded', async () => {
    const sessions = await start({ recordDevice: true });
    await loggedIn('Lynx '.repeat(100));
    const [session] = await sessions.list('alice');
    expect(session?.address).toMatch(/127\.0\.0\.1|::1/u);
    expect(session?.agent).toBe('Lynx '.repeat(100).slice(0, 256));
  });

  it('ends one by its id [SES-09]', async () => {
    const sessions = await start();
    const [one, other] = [await loggedIn(), await loggedIn()];
    const [newest] = await sessions.list('alice');
    expect(await sessions.endOne('bob', newest?.id ?? '')).toBe(false);
    expect(await sessions.endOne('alice', newest?.id ?? '')).toBe(true);
    expect(await areIn(one, other)).toEqual([true, false]);
  });

  it('who is another one than before loses the old session and its refresh token [CB-09]', async () => {
    provider.script.discovery = (document) => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` });
    await start();
    const browser = await loggedIn();
    const old = browser.cookies.get('sid');
    provider.sub = 'bob';
    await logIn(browser);
    expect(browser.cookies.get('sid')).not.toBe(old);
    expect(app.events).toContainEqual(expect.objectContaining({ name: 'session.ended', cause: 'replaced_by_login' }));
    await app.app.close();
    expect(provider.count('/revoke')).toBe(1);
  });

  it('logs in again without losing the grant that both sessions share', async () => {
    provider.script.discovery = (document) => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` });
    await start();
    const browser = await loggedIn();
    await logIn(browser);
    await app.app.close();
    expect(provider.count('/revoke')).toBe(0);
  });
});
