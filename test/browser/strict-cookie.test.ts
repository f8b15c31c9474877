import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/chromium.js';
import { freePort } from '../support/free-port.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { platforms, startApp } from '../support/test-app.js';

/** To browsers, `localhost` and `127.0.0.1` are two sites. */
describe.each(platforms)('a session cookie that is SameSite=Strict, on %s', (platform) => {
  let provider: ScriptedProvider;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    browser = await launchChromium();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    await provider.stop();
  });

  it('is there at the page that the user wanted to see [COK-01]', async () => {
    const port = await freePort();
    const baseUrl = `http://127.0.0.1:${port}`;
    const session = { cookie: { sameSite: 'strict' } } as const;
    const app = await startApp({ platform, port, issuer: provider.issuer, options: { baseUrl, session } });
    let asked = 0;
    provider.script.answer = ({ path, target }) => {
      if (path !== '/authorize') return undefined;
      asked += 1;
      // Once it knows the user, it asks no more.
      const body = `<!doctype html><a href="${target.replaceAll('&', '&amp;')}">Log in</a>`;
      return asked === 1 ? { headers: { 'content-type': 'text/html' }, body } : undefined;
    };
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.goto(`${baseUrl}/profile?a=1&b="'<`);
      await page.getByRole('link', { name: 'Log in' }).click();
      await page.waitForURL(`${baseUrl}/profile?**`);
      expect(page.url()).toBe(`${baseUrl}/profile?a=1&b=%22%27%3C`);
      expect(JSON.parse((await page.textContent('body')) ?? '')).toMatchObject({ user: { sub: 'alice' } });
      expect(asked).toBe(2);
    } finally {
      await context.close();
      await app.close();
    }
  });
});
