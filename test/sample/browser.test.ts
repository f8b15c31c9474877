import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { allAnswered, complaintsOf, launchChromium, openDashboard, submitLogin } from '../support/chromium.js';
import { Sample, SAMPLE_SECRET } from '../support/sample.js';
import { freePort } from '../support/free-port.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';

let sample: Sample;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: readonly string[];

beforeAll(async () => {
  sample = await Sample.start({ SESSION_SECRET: SAMPLE_SECRET });
  browser = await launchChromium();
}, 120_000);

afterAll(async () => {
  await browser.close();
  await sample.stop();
});

beforeEach(async () => {
  context = await browser.newContext();
  complaints = complaintsOf(context);
  page = await context.newPage();
});

afterEach(async () => {
  await context.close();
  expect(complaints).toEqual([]);
});

const logIn = (): Promise<void> => openDashboard(page, sample.url);

describe('login', () => {
  it('says that a password is wrong, and lets the right one in, back to where the user wanted to go', async () => {
    await page.goto(sample.url);
    await page.getByText('Nobody is logged in').waitFor();
    await page.getByRole('link', { name: 'Log in' }).click();
    await submitLogin(page, 'alice', 'wrong');
    await page.getByRole('alert').getByText('User name or password is wrong').waitFor();
    expect(await page.getByLabel('User name').inputValue()).toBe('alice');
    expect(await page.getByLabel('Password').inputValue()).toBe('');

    await page.getByLabel('Password').fill('alice-demo');
    await page.keyboard.press('Enter');
    await allAnswered(page);
    expect(page.url()).toBe(`${sample.url}/dashboard`);
    await page.goto(sample.url);
    await page.getByText('Logged in as Alice Liddell').waitFor();
  });

  it('works in two tabs at once', async () => {
    const other = await context.newPage();
    await page.goto(`${sample.url}/dashboard?tab=1`);
    await other.goto(`${sample.url}/dashboard?tab=2`);
    await submitLogin(other, 'bob', 'bob-demo');
    await allAnswered(other);
    expect(other.url()).toBe(`${sample.url}/dashboard?tab=2`);
    await submitLogin(page, 'bob', 'bob-demo');
    await allAnswered(page);
    expect(page.url()).toBe(`${sample.url}/dashboard?tab=1`);
    await other.reload();
    await allAnswered(other);
  });

  it('puts nothing within the reach of scripts', async () => {
    await logIn();
    expect(await page.evaluate('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })')).toBe('{}');
  });
});

describe('the dashboard', () => {
  beforeEach(logIn);

  it('shows five requests, what each cost, and how long token and session last', async () => {
    const rows = page.locator('#calls tr');
    expect(await rows.count()).toBe(5);
    for (const row of await rows.all()) {
      expect(await row.innerText()).toMatch(/^\/api\/(?:resource|profile)\s+200\s+Process \d+\s+\d+ ms\s+\d+ s$/u);
      expect(await row.getByRole('img').getAttribute('aria-label')).toMatch(/ms session and tokens, .+ ms API/u);
    }
    expect(await page.locator('#token-left').innerText()).toMatch(/^\d+ s$/u);
    expect(await page.locator('#session-left').innerText()).toMatch(/^23 h 59 min$/u);
  });

  it('sends them again', async () => {
    const again = page.getByRole('button', { name: 'Send again' });
    await page.evaluate("document.getElementById('calls').replaceChildren()");
    await again.click();
    await page.locator('#calls tr').nth(4).waitFor();
    expect(await again.isEnabled()).toBe(true);
  });

  it('tells a user whose session has ended to log in again', async () => {
    await context.clearCookies({ name: 'sid' });
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('Your session has ended').waitFor();
    // The provider still knows them.
    await page.getByRole('link', { name: 'Log in again' }).click();
    await allAnswered(page);
  });

  it('adds a note, as text', async () => {
    await page.getByLabel('Note').fill('<b>Feed the cat</b>');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('<b>Feed the cat</b>', { exact: true }).waitFor();
    expect(await page.getByLabel('Note').inputValue()).toBe('');
  });

  it('can be used with the keyboard alone', async () => {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
  });
});

describe('the timeline', () => {
  const entries = (text: string): Locator => page.locator('#timeline li', { hasText: text });

  beforeEach(logIn);

  it('shows 20 requests at once, the one that refreshed the token, and those that shared it', async () => {
    // In its first seconds a token is not refreshed by force.
    await page.locator('#token-left', { hasText: /^5[0-4] s$/u }).waitFor();
    await page.getByRole('button', { name: 'Fire 20 requests at once' }).click();
    await page
      .getByText(/^20 of 20 answered in \d+ ms by 1 process\. 1 refresh at the provider; \d+ requests? shared/u)
      .waitFor();
    expect(await entries('Refreshed the tokens at the provider').count()).toBe(1);
    expect(await entries('Refreshed the tokens at the provider').innerText()).toMatch(/\d\d:\d\d:\d\d\s+Process \d+/u);
    expect(await entries('Shared the refresh under way').innerText()).toMatch(/Process \d+/u);
    await page.locator('#timeline li', { hasText: '20 times' }).getByText('Answered GET /api/resource').waitFor();
    await page.getByText('refreshed once').waitFor();
  });

  it('shows that a fresh token needs no refresh', async () => {
    await page.getByLabel('with a token to be refreshed').uncheck();
    await page.getByRole('button', { name: 'Fire 20 requests at once' }).click();
    await page.getByText('The token was good: nobody had to refresh it.').waitFor();
  });

  it('is complete after the page was not looked at, and repeats nothing', async () => {
    const before = await entries('Answered GET /api/profile').count();
    await hide(true);
    await page.getByText('live', { exact: true }).waitFor({ state: 'hidden' });
    await page.evaluate(
      "fetch('/api/notes', { method: 'POST', body: '{\"text\":\"x\"}', headers: { 'content-type': 'application/json' } })",
    );
    await hide(false);
    await entries('Answered POST /api/notes').waitFor();
    expect(await entries('Answered GET /api/profile').count()).toBe(before);
  });

  function hide(hidden: boolean): Promise<unknown> {
    return page.evaluate(`
      Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));`);
  }
});

describe('the sessions of a user', () => {
  let otherContext: BrowserContext;
  let other: Page;

  beforeEach(async () => {
    await logIn();
    otherContext = await browser.newContext();
    other = await otherContext.newPage();
    await openDashboard(other, sample.url);
    await page.reload();
  });

  afterEach(() => otherContext.close());

  const sessions = (): Locator => page.getByRole('region', { name: 'Where you are logged in' }).getByRole('listitem');

  it('are listed with their device and age, this browser first', async () => {
    expect(await sessions().first().innerText()).toMatch(/Chrome on Linux\s+this browser\s+Logged in just now/u);
    expect(await sessions().nth(1).innerText()).toMatch(/^Chrome on Linux\s+Logged in just now, last seen just now/u);
  });

  it('are ended all but one by "Log out the others", which the other browser shows at once', async () => {
    await page.getByRole('button', { name: 'Log out the others' }).click();
    await page.getByText(/other sessions? (?:was|were) logged out/u).waitFor();
    expect(await page.evaluate('document.activeElement.getAttribute("role")')).toBe('status');
    await other.getByRole('heading', { name: 'Your session has ended' }).waitFor();
    expect(await sessions().count()).toBe(1);
    await allAnswered(page);
    await other.reload();
    await allAnswered(other);
  });

  it('are ended one by one', async () => {
    const before = await sessions().count();
    await sessions().nth(1).getByRole('button', { name: 'Log out Chrome on Linux' }).click();
    await page.getByText('One other session was logged out.').waitFor();
    await other.getByRole('heading', { name: 'Your session has ended' }).waitFor();
    expect(await sessions().count()).toBe(before - 1);
  });

  it('are ended without scripts, too', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const tab = await plain.newPage();
    await tab.goto(`${sample.url}/dashboard`);
    await submitLogin(tab, 'alice', 'alice-demo');
    await tab.getByRole('button', { name: 'Log out the others' }).click();
    await tab.getByText(/other sessions? (?:was|were) logged out/u).waitFor();
    await tab.getByRole('button', { name: 'Log out', exact: true }).click();
    await tab.getByRole('button', { name: 'Log out' }).click();
    await tab.getByText('Nobody is logged in').waitFor();
    await plain.close();
  });
});

describe('the provider', () => {
  it('logs the user out of the app when they log out there', async () => {
    await logIn();
    const issuer = await page.locator('dd', { hasText: 'http://' }).innerText();
    const other = await context.newPage();
    await other.goto(`${issuer}/session/end`);
    await other.getByRole('button', { name: 'Log out' }).click();
    await other.getByRole('heading', { name: 'You are logged out' }).waitFor();
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
  });
});

describe('a refresh', () => {
  let provider: TestProvider;
  let other: Sample;

  beforeAll(async () => {
    const port = await freePort();
    provider = await TestProvider.start({
      redirectUris: [`http://localhost:${port}/auth/callback`],
      accessTokenLifetime: 12,
    });
    other = await Sample.start({
      PORT: String(port),
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_CLIENT_SECRET: CLIENT_SECRET,
    });
  });

  afterAll(async () => {
    await other.stop();
    await provider.stop();
  });

  it('happens beside the requests, and the dashboard says so', async () => {
    await page.goto(`${other.url}/dashboard`);
    await page.getByLabel('every 5 seconds').check();
    await page.getByText('refreshed once').waitFor();
    await allAnswered(page);
    expect(await page.locator('#calls .bad').count()).toBe(0);
  }, 60_000);
});

describe('logout', () => {
  beforeEach(logIn);

  it('ends at the front page, logged out here and at the provider', async () => {
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByText('Nobody is logged in').waitFor();
    expect(new URL(page.url()).origin).toBe(sample.url);
    await page.goto(`${sample.url}/dashboard`);
    await page.getByLabel('Password').waitFor();
  });

  it('leaves nothing private behind the back button', async () => {
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByText('Nobody is logged in').waitFor();
    for (let steps = 0; steps < 3; steps += 1) {
      await page.goBack();
      await page.waitForLoadState();
      expect(await page.locator('body').innerText()).not.toMatch(/Liddell|alice@example\.com/u);
    }
  });

  it('is noticed by the other tab at once, and nothing private stays on its screen', async () => {
    const other = await context.newPage();
    await other.goto(`${sample.url}/dashboard`);
    await allAnswered(other);
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await other.getByRole('heading', { name: 'Your session has ended' }).waitFor();
    expect(await other.locator('body').innerText()).not.toMatch(/Liddell|alice/u);
    expect(await other.evaluate('document.activeElement.tagName')).toBe('H1');
  });
});
