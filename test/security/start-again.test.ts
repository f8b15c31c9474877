import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { globalAgent } from 'node:http';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, startApp, type TestApp } from '../support/test-app.js';

const linkOf = (page: string): string | undefined => /href="(?<path>[^"]*)"/u.exec(page)?.groups?.['path'];

describe.each(platforms)('the link to start again, on %s,', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform });
  });
  afterEach(() => provider.reset());
  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  /** A login that has come as far as the callback, which is not asked for yet. */
  async function logInAs(user: string, at = app): Promise<{ browser: Browser; callback: string }> {
    const browser = new Browser();
    const isCallback = (url: string): boolean => url.includes('/auth/callback');
    const { url } = await browser.navigate(`${at.url}/auth/login?returnTo=/of/${user}`, isCallback);
    return { browser, callback: url };
  }

  it('is of the user who sees it, also where several wait for the same answer of the provider', async () => {
    const [alice, bob] = [await logInAs('alice'), await logInAs('bob')];
    provider.script.answer = ({ path }) => (path === '/jwks' ? { status: 503, delay: 100 } : undefined);
    const pages = await Promise.all([alice, bob].map(({ browser, callback }) => browser.open(callback)));
    expect(pages.map(({ status, body }) => [status, linkOf(body)])).toEqual([
      [503, '/auth/login?returnTo=%2Fof%2Falice'],
      [503, '/auth/login?returnTo=%2Fof%2Fbob'],
    ]);
  });

  it('tells nobody else where a user wanted to go, while the provider is away', async () => {
    const { issuer } = provider;
    const port = await freePort();
    const before = await startApp({ platform, port, issuer });
    const alice = await logInAs('alice', before);
    await before.close();
    globalAgent.destroy();
    await provider.stop();
    const after = await startApp({ platform, port, issuer });
    try {
      const page = await alice.browser.open(alice.callback);
      expect([page.status, linkOf(page.body)]).toEqual([503, '/auth/login?returnTo=%2Fof%2Falice']);
      const stranger = await new Browser().open(`${after.url}/auth/login`);
      expect([stranger.status, linkOf(stranger.body)]).toEqual([503, '/auth/login']);
    } finally {
      await after.close();
      await provider.listen();
    }
  });
});
