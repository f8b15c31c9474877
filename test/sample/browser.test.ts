import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { Sample, SAMPLE_SECRET } from '../support/sample.js';
import { freePort } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let sample: Sample;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  sample = await Sample.start({ SESSION_SECRET: SAMPLE_SECRET });
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGUMENTS });
}, 120_000);

afterAll(async () => {
  await browser.close();
  await sample.stop();
});

beforeEach(async () => {
  context = await browser.newContext();
  complaints = [];
  context.on('page', (opened) => {
    opened.on('pageerror', (error) => complaints.push(error.message));
    // What the content security policy has blocked, among other things.
    opened.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
  });
  page = await context.newPage();
});

afterEach(async () => {
  await context.close();
  expect(complaints).toEqual([]);
});

async function submitLogin(tab: Page, userName: string, password: string): Promise<void> {
  await tab.getByLabel('User name').fill(userName);
  await tab.getByLabel('Password').fill(password);
  await tab.getByRole('button', { name: 'Log in' }).click();
}

async function logIn(): Promise<void> {
  await page.goto(`${sample.url}/dashboard`);
  await submitLogin(page, 'alice', 'alice-demo');
  await allAnswered(page);
}

const allAnswered = (tab: Page): Promise<void> => tab.getByText(/All 5 answered in \d+ ms/u).waitFor();

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
      expect(await row.innerText()).toMatch(/^\/api\/(?:resource|profile)\s+200\s+\d+ ms\s+\d+ s$/u);
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
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('Nobody is logged in').waitFor();
    expect(new URL(page.url()).origin).toBe(sample.url);
    await page.goto(`${sample.url}/dashboard`);
    await page.getByLabel('Password').waitFor();
  });

  it('leaves nothing private behind the back button', async () => {
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('Nobody is logged in').waitFor();
    for (let steps = 0; steps < 3; steps += 1) {
      await page.goBack();
      await page.waitForLoadState();
      expect(await page.locator('body').innerText()).not.toMatch(/Liddell|alice@example\.com/u);
    }
  });

  it('is noticed by the other tab at its next request', async () => {
    const other = await context.newPage();
    await other.goto(`${sample.url}/dashboard`);
    await allAnswered(other);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('Nobody is logged in').waitFor();
    await other.getByRole('button', { name: 'Send again' }).click();
    await other.getByText('Your session has ended').waitFor();
  });
});
