import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuthorizationRequest } from '../../lib/login/authorization-request.js';
import { Sealer } from '../../lib/session/sealing.js';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { SECRET, type TestApp } from '../support/test-app.js';

const PREFIX = 'oidc.tx.';

describe('the returnTo that a login under way keeps', () => {
  const sealer = new Sealer([SECRET], 'authorization request');
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider);
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  /** As an application with the same secret, and a mistake in it, would have sealed it. */
  function keepInstead(browser: Browser, returnTo: string): void {
    const cookie = [...browser.cookies.keys()].find((name) => name.startsWith(PREFIX)) ?? '';
    const name = cookie.slice(PREFIX.length);
    const opened = sealer.unseal(Buffer.from(browser.cookies.get(cookie) ?? '', 'base64url'), name);
    const request = JSON.parse(String(opened)) as AuthorizationRequest;
    const changed = Buffer.from(JSON.stringify({ ...request, returnTo }));
    browser.cookies.set(cookie, sealer.seal(changed, name).toString('base64url'));
  }

  it.each([
    ['/reports', '/reports'],
    ['https://evil.example/', '/'],
    ['//evil.example', '/'],
    ['/auth/login', '/'],
  ])('is checked again when it is used: %s leads to %s [RET-02] [CB-09]', async (kept, target) => {
    const browser = new Browser();
    const atCallback = (url: string): boolean => url.startsWith(`${app.url}/auth/callback`);
    const callback = await browser.navigate(`${app.url}/auth/login?returnTo=/profile`, atCallback);
    keepInstead(browser, kept);
    expect(await browser.open(callback.url)).toMatchObject({ status: 303, location: target });
  });
});
