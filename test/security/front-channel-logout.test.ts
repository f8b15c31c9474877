import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { WatchedStore } from '../session/given.js';
import { MemorySessionStore } from '../../lib/store/memory-session-store.js';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';

const PATH = '/auth/frontchannel-logout';

describe.each(platforms)('front-channel logout on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  const store = new WatchedStore(new MemorySessionStore());

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    provider.script.discovery = (document) => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` });
    const extras = { routes: { frontChannelLogout: PATH } };
    app = await startAppAt(provider, { platform, extras, options: { session: { store } } });
  });

  afterEach(() => provider.reset());

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  async function loggedIn(sid: string): Promise<Browser> {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, sid } });
    const browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
    return browser;
  }

  const isLoggedIn = async (browser: Browser): Promise<boolean> =>
    (await browser.fetch(`${app.url}/auth/me`)).status === 200;

  /** As a browser opens it in a frame on another site: without cookies. */
  const open = (query: string): Promise<BrowserResponse> =>
    new Browser().send(`${app.url}${PATH}?${query}`, {
      headers: {
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'iframe',
        'sec-fetch-site': 'cross-site',
      },
    });

  const queryOf = (params: Readonly<Record<string, string>>): string =>
    new URLSearchParams({ iss: provider.issuer, ...params }).toString();

  it('ends the session of that sid without a cookie, and no other one [FCL-01]', async () => {
    const [alice, bob] = [await loggedIn('op-1'), await loggedIn('op-2')];
    expect((await open(queryOf({ sid: 'op-1' }))).status).toBe(200);
    expect([await isLoggedIn(alice), await isLoggedIn(bob)]).toEqual([false, true]);
  });

  it('answers an empty page that only the provider may frame, kept by nobody [FCL-01]', async () => {
    const answer = await open(queryOf({ sid: 'op-3' }));
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    const policy = String(answer.headers['content-security-policy']).split('; ');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`frame-ancestors ${provider.issuer}`);
    expect(answer.headers['x-frame-options']).toBeUndefined();
    expect(answer.headers.etag).toBeUndefined();
    expect(answer.setCookies).toEqual([]);
    expect(answer.body).not.toMatch(/script|http|op-3/u);
  });

  it.each([
    ['an unknown sid', { sid: 'nobody' }],
    ['another issuer', { sid: 'op-4', iss: 'https://another.example.com' }],
    ['the issuer in another spelling', { sid: 'op-4', iss: 'http://LOCALHOST' }],
    ['the sub of a user', { sid: 'alice' }],
    ['parameters it does not know', { sid: 'nobody', state: 'x', redirect_uri: 'https://evil.example' }],
  ])('answers the same to %s, and ends nothing [FCL-01]', async (_what, params) => {
    const browser = await loggedIn('op-4');
    const [known, answer] = [await open(queryOf({ sid: 'op-5' })), await open(queryOf(params))];
    expect([answer.status, answer.body]).toEqual([200, known.body]);
    expect(await isLoggedIn(browser)).toBe(true);
  });

  it.each([
    ['no sid', 'iss=ISSUER'],
    ['no iss', 'sid=op-6'],
    ['neither', ''],
    ['an empty sid', 'iss=ISSUER&sid='],
    ['two sids', 'iss=ISSUER&sid=op-6&sid=op-6'],
    ['two issuers', 'iss=ISSUER&iss=x&sid=op-6'],
  ])('answers 400 to %s, and ends nothing [FCL-01]', async (_what, query) => {
    const browser = await loggedIn('op-6');
    const answer = await open(query.replace('ISSUER', encodeURIComponent(provider.issuer)));
    expect([answer.status, answer.setCookies]).toEqual([400, []]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(await isLoggedIn(browser)).toBe(true);
  });

  it('does not touch the session of the browser it is opened in [FCL-01]', async () => {
    const browser = await loggedIn('op-7');
    const answer = await browser.open(`${app.url}${PATH}?${queryOf({ sid: 'nobody' })}`);
    expect(answer.setCookies).toEqual([]);
    expect(await isLoggedIn(browser)).toBe(true);
  });

  it('revokes no token at the provider, unlike the user’s own logout [FCL-01]', async () => {
    await loggedIn('op-8');
    await open(queryOf({ sid: 'op-8' }));
    const other = await loggedIn('op-8');
    await other.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    await eventually(() => expect(provider.count('/revoke')).toBe(1));
  });

  it('answers 503 with Retry-After while the store is away, and can be repeated [FCL-01]', async () => {
    const browser = await loggedIn('op-9');
    store.fail('delete');
    const answer = await open(queryOf({ sid: 'op-9' }));
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    store.heal('delete');
    expect((await open(queryOf({ sid: 'op-9' }))).status).toBe(200);
    expect(await isLoggedIn(browser)).toBe(false);
  });
});

describe.each(platforms)('front-channel logout on %s, unless it is asked for', (platform) => {
  it('is not there [FCL-01]', async () => {
    const provider = await ScriptedProvider.start();
    const app = await startAppAt(provider, { platform });
    const browser = new Browser();
    const query = new URLSearchParams({ iss: provider.issuer, sid: 'op-1' }).toString();
    for (const path of [PATH, '/auth/front-channel-logout', '/auth/front-channel']) {
      expect((await browser.open(`${app.url}${path}?${query}`)).status).toBe(404);
    }
    await app.close();
    await provider.stop();
  });
});
