import { expect } from '@jest/globals';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { ScriptedProvider, startAppAt, type Json, type SeenRequest } from '../support/scripted-provider.js';
import type { TestApp } from '../support/test-app.js';

type StartOptions = Parameters<typeof startAppAt>[1];

const STEPS: ReadonlySet<string> = new Set(['/authorize', '/token', '/userinfo']);

/**
 * What the conformance suite gives each of its modules: a provider of its own with a fresh key, a client that is registered
 * there for the code flow with client_secret_basic, and a user with a browser. The application fetches UserInfo, because the
 * suite takes that request as the sign that a login went well.
 */
export class ModuleRun {
  readonly browser = new Browser();

  private constructor(
    readonly provider: ScriptedProvider,
    readonly app: TestApp,
  ) {}

  /** `bend` comes before the application, which looks the provider up when it starts. */
  static async start(
    options: StartOptions = {},
    bend: (provider: ScriptedProvider) => void = () => undefined,
  ): Promise<ModuleRun> {
    const provider = await ScriptedProvider.start();
    bend(provider);
    const withUserInfo = { ...options, options: { login: { userinfo: true }, ...options.options } };
    return new ModuleRun(provider, await startAppAt(provider, withUserInfo));
  }

  async end(): Promise<void> {
    await this.app.close();
    await this.provider.stop();
  }

  login(browser = this.browser): Promise<BrowserResponse & { url: string }> {
    return browser.navigate(`${this.app.url}/auth/login?returnTo=/profile`);
  }

  async isLoggedIn(browser = this.browser): Promise<boolean> {
    const { status } = await browser.fetch(`${this.app.url}/profile`);
    expect([200, 401]).toContain(status);
    return status === 200;
  }

  /** Changes claims of every ID token from now on, and signs anew. `undefined` leaves a claim out. */
  bendClaims(bent: Json): void {
    this.provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, ...bent } });
  }

  /** The one request to this path. */
  only(path: string): SeenRequest {
    const [request, ...others] = this.provider.to(path);
    if (!request || others.length > 0) throw new Error(`There must be exactly one request to ${path}.`);
    return request;
  }

  /** Where the login's requests went, in order; keys are fetched when they are needed. */
  get flow(): readonly string[] {
    return this.provider.requests.map(({ path }) => path).filter((path) => STEPS.has(path));
  }

  /** Logs in, and everything that the suite waits for came. Answers the page that shows the user. */
  async expectLogin(): Promise<BrowserResponse> {
    const page = await this.login();
    expect(page).toMatchObject({ status: 200, url: `${this.app.url}/profile` });
    expect(this.flow).toEqual(['/authorize', '/token', '/userinfo']);
    expect(await this.isLoggedIn()).toBe(true);
    return page;
  }

  /** Logs in, and nothing comes after the ID token: no UserInfo request, no session. */
  async expectNothingAfterIdToken(): Promise<void> {
    const page = await this.login();
    expect(page).toMatchObject({ status: 400, url: expect.stringContaining('/auth/callback') });
    expect(page.body).toContain('id_token_invalid');
    expect(this.flow).toEqual(['/authorize', '/token']);
    expect(this.browser.cookies.has('sid')).toBe(false);
    expect(await this.isLoggedIn()).toBe(false);
  }
}
