import { expect } from '@jest/globals';
import type { AuthRoutes } from 'nest-oidc';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { logoutToken } from '../support/logout-token.js';
import type { IdTokenParts } from '../support/scripted-provider.js';
import { CLIENT_ID } from '../support/test-provider.js';
import { ModuleRun } from './module-run.js';

const SID = 'the session at the provider';
type Bend = (parts: IdTokenParts) => IdTokenParts;

/**
 * A run of the modules about logout. The provider has sessions (`sid`, `session_state`), and an end_session_endpoint that
 * tells the application about the logout before it sends the browser back. The user is logged in with two browsers in one
 * session of the provider: the second one shows what became of sessions that nobody has logged out of by hand.
 */
export class LogoutRun {
  readonly elsewhere = new Browser();
  readonly idTokens: string[] = [];
  /** What the application answered when the provider told it. */
  answer: BrowserResponse | undefined;
  /** How the provider tells the application. */
  tell: () => Promise<BrowserResponse> = () => this.sendLogoutToken();
  /** The state that the provider sends back, or none. */
  stateBack: (state: string) => string | undefined = (state) => state;

  private constructor(readonly run: ModuleRun) {}

  static async start(routes: AuthRoutes = {}): Promise<LogoutRun> {
    const run = await ModuleRun.start({ extras: { routes } }, (provider) => {
      provider.script.discovery = (document) => ({
        ...document,
        end_session_endpoint: `${provider.issuer}/end-session`,
        check_session_iframe: `${provider.issuer}/check-session`,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        frontchannel_logout_supported: true,
        frontchannel_logout_session_supported: true,
      });
    });
    const logout = new LogoutRun(run);
    logout.script();
    await run.expectLogin();
    expect(await run.login(logout.elsewhere)).toMatchObject({ status: 200 });
    return logout;
  }

  end(): Promise<void> {
    return this.run.end();
  }

  private script(): void {
    const { script } = this.run.provider;
    this.run.bendClaims({ sid: SID });
    script.idTokenText = (idToken) => {
      this.idTokens.push(idToken);
      return idToken;
    };
    script.authorizationResponse = (params) => new URLSearchParams([...params, ['session_state', 'a1b2.c3d4']]);
    script.answer = async ({ path, params }) => {
      if (path !== '/end-session') return undefined;
      this.answer = await this.tell();
      const back = new URL(params.get('post_logout_redirect_uri') ?? '');
      const state = this.stateBack(params.get('state') ?? '');
      if (state !== undefined) back.searchParams.set('state', state);
      return { status: 302, headers: { location: back.href } };
    };
  }

  /** A form post to the application, as the provider sends it: no cookie, no Origin. */
  sendLogoutToken(bend: Bend = (parts) => parts): Promise<BrowserResponse> {
    const { app, provider } = this.run;
    const token = logoutToken(provider, ({ header, claims, signature }) =>
      bend({
        header: { ...header, typ: 'JWT' },
        claims: { ...claims, sid: SID, ignored_claim: 'claims that are not understood are ignored' },
        signature,
      }),
    );
    return new Browser().send(`${app.url}/auth/backchannel-logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: token, ignored_parameter: 'so are parameters' }).toString(),
    });
  }

  /** A frame in a page of the provider: the browser sends no cookie of the application along. */
  openFrame(): Promise<BrowserResponse> {
    const { app, provider } = this.run;
    const query = new URLSearchParams({ iss: provider.issuer, sid: SID });
    return new Browser().send(`${app.url}/auth/frontchannel-logout?${query.toString()}`, {
      headers: {
        accept: 'text/html',
        'sec-fetch-dest': 'iframe',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-site': 'cross-site',
      },
    });
  }

  /** The user logs out by the application's form. Answers the page where the browser ends up. */
  async logOut(): Promise<BrowserResponse & { url: string }> {
    const { app, browser } = this.run;
    const { status, location } = await browser.send(`${app.url}/auth/logout`, {
      method: 'POST',
      headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin', origin: app.url },
    });
    expect(status).toBe(303);
    return browser.navigate(location ?? '');
  }

  /** Logs out by way of the provider: what it was asked, and that the user is at home again, as nobody. */
  async expectLogout(): Promise<BrowserResponse & { url: string }> {
    const { app, browser } = this.run;
    const [idToken] = this.idTokens;
    const page = await this.logOut();
    const { params } = this.run.only('/end-session');
    expect(params.get('client_id')).toBe(CLIENT_ID);
    expect(params.get('id_token_hint')).toBe(idToken);
    expect(params.get('post_logout_redirect_uri')).toMatch(new RegExp(`^${app.url}/`, 'u'));
    expect(params.get('state')).toMatch(/^[\w-]{43}$/u);
    expect(page).toMatchObject({ status: 200, body: 'home' });
    expect(browser.cookies.has('sid')).toBe(false);
    expect(await this.run.isLoggedIn()).toBe(false);
    return page;
  }
}
