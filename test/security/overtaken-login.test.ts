import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { logoutToken } from '../support/logout-token.js';
import { REFRESH_TOKEN, ScriptedProvider, startAppAt, type IdTokenParts } from '../support/scripted-provider.js';
import type { TestApp } from '../support/test-app.js';

const SID = 'session-at-the-provider';

describe('a login that a logout of the provider overtakes', () => {
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    provider.script.discovery = (document) => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` });
    app = await startAppAt(provider);
  });

  afterEach(() => provider.reset());

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  const withSid = (sid: string, { claims, ...parts }: IdTokenParts): IdTokenParts => ({
    ...parts,
    claims: { ...claims, sid },
  });

  /** Logs in; while the code is being swapped, the provider logs out its session `sid`. */
  async function logInWhileLoggedOut(sid: string): Promise<Browser> {
    provider.script.idToken = (parts) => withSid(SID, parts);
    provider.script.answer = async ({ path }) => {
      if (path !== '/token') return undefined;
      const body = new URLSearchParams({ logout_token: logoutToken(provider, (parts) => withSid(sid, parts)) });
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const sent = { method: 'POST', headers, body: body.toString() };
      const { status } = await new Browser().send(`${app.url}/auth/backchannel-logout`, sent);
      expect(status).toBe(200);
      return undefined;
    };
    const browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
    return browser;
  }

  const revoked = (): (string | null)[] => provider.to('/revoke').map(({ params }) => params.get('token'));

  it('makes no session, and its tokens are revoked [BCL-09]', async () => {
    const browser = await logInWhileLoggedOut(SID);
    expect(browser.cookies.has('sid')).toBe(false);
    expect(app.events).toContainEqual(expect.objectContaining({ name: 'login.failed', reason: 'logged_out' }));
    expect(app.events).toContainEqual(expect.objectContaining({ name: 'session.ended', cause: 'back_channel_logout' }));
    await eventually(() => expect(revoked()).toEqual([REFRESH_TOKEN]));
  });

  it('makes its session when the logout was about another one [BCL-06] [BCL-09]', async () => {
    const browser = await logInWhileLoggedOut('another-session');
    expect((await browser.fetch(`${app.url}/auth/me`)).status).toBe(200);
    expect(revoked()).toEqual([]);
  });
});
