import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SessionService, type Claims } from 'nest-oidc';
import { loginAs } from 'nest-oidc/testing';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';
import { TimeTravel } from '../support/time-travel.js';

const HOUR = 3600;
const now = (): number => Math.floor(Date.now() / 1000);

describe.each(platforms)('session_expiry of the provider, on %s,', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;
  let time: TimeTravel;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    const session = { idleTimeout: 4 * HOUR, absoluteLifetime: 8 * HOUR };
    // What an application keeps of the claims does not change when its sessions end.
    const mapClaims = ({ iss, sub, aud, exp, iat }: Claims): Claims => ({ iss, sub, aud, exp, iat });
    app = await startAppAt(provider, { platform, options: { session, mapClaims } });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(() => {
    provider.reset();
    app.events.length = 0;
    browser = new Browser();
    time = new TimeTravel();
  });

  afterEach(() => time.end());

  function say(sessionExpiry: unknown): void {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, session_expiry: sessionExpiry } });
  }

  const logIn = (): Promise<BrowserResponse> => browser.navigate(`${app.url}/auth/login?returnTo=/profile`);
  const profile = async (): Promise<number> => (await browser.fetch(`${app.url}/profile`)).status;
  const session = async () =>
    app.app.get(SessionService).find({ headers: { cookie: `sid=${browser.cookies.get('sid')}` } });

  /** The access token is over by then. */
  async function refreshAt(seconds: number): Promise<number> {
    time.forward(seconds);
    return (await browser.fetch(`${app.url}/token`)).status;
  }

  it('ends a session before its own lifetime does [SES-14]', async () => {
    const end = now() + HOUR / 2;
    say(end);
    await logIn();
    expect((await session())?.absoluteExpiresAt).toBe(end * 1000);
    time.forward(HOUR / 2 - 2);
    expect(await profile()).toBe(200);
    time.forward(2);
    expect(await profile()).toBe(401);
  });

  it('makes no session longer [SES-14]', async () => {
    say(now() + 24 * HOUR);
    await logIn();
    const { createdAt = 0, absoluteExpiresAt = 0 } = (await session()) ?? {};
    expect(absoluteExpiresAt - createdAt).toBe(8 * HOUR * 1000);
  });

  it.each([
    ['text', '1900000000'],
    ['nothing', null],
    ['a list', [1]],
    ['a lifetime in seconds', HOUR],
  ])('that is %s is another claim', async (_, value) => {
    say(value);
    expect((await logIn()).status).toBe(200);
    const { createdAt = 0, absoluteExpiresAt = 0 } = (await session()) ?? {};
    expect(absoluteExpiresAt - createdAt).toBe(8 * HOUR * 1000);
  });

  it.each([
    ['now', () => now()],
    ['long ago', () => 1e9],
  ])('that is %s lets nobody in, and leaves the session of before [SES-14]', async (_, end) => {
    await logIn();
    const before = browser.cookies.get('sid');
    say(end());
    const answer = await logIn();
    expect(answer.status).toBe(400);
    expect(app.events).toContainEqual(
      expect.objectContaining({ name: 'login.failed', reason: 'id_token_invalid:session_expiry' }),
    );
    expect(browser.cookies.get('sid')).toBe(before);
    expect(await profile()).toBe(200);
  });

  it('of a refreshed ID token shortens the session, and never makes it longer again [SES-14]', async () => {
    const end = now() + 3 * HOUR;
    say(end);
    await logIn();
    say(end - HOUR / 2);
    expect(await refreshAt(HOUR)).toBe(200);
    expect((await session())?.absoluteExpiresAt).toBe((end - HOUR / 2) * 1000);
    say(end + HOUR);
    expect(await refreshAt(HOUR)).toBe(200);
    expect((await session())?.absoluteExpiresAt).toBe((end - HOUR / 2) * 1000);
    time.forward(HOUR / 2);
    expect(await profile()).toBe(401);
  });

  it('of a refreshed ID token that is over ends the session [SES-14]', async () => {
    await logIn();
    say(now() + HOUR);
    expect(await refreshAt(HOUR)).toBe(401);
    expect(await session()).toBeUndefined();
    expect(app.events).toContainEqual(expect.objectContaining({ name: 'session.ended', cause: 'session_expiry' }));
  });

  it('is not believed of a token that is too old or too new: a clock is wrong', async () => {
    await logIn();
    time.forward(HOUR);
    provider.script.idToken = (parts) => ({
      ...parts,
      claims: { ...parts.claims, exp: now() - HOUR, session_expiry: now() - HOUR },
    });
    expect((await browser.fetch(`${app.url}/token`)).status).toBe(200);
  });

  it('counts for loginAs, too', async () => {
    const end = now() + HOUR;
    expect((await loginAs(app.app, { sub: 'alice', session_expiry: end })).session.absoluteExpiresAt).toBe(end * 1000);
  });
});
