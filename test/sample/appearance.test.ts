import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { Sample } from '../support/sample.js';
import { allAnswered, launchChromium, openDashboard, submitLogin } from '../support/chromium.js';

/** Where the pictures are, for people to look at. */
const SCREENSHOTS = fileURLToPath(new URL('../../coverage/screenshots', import.meta.url));
const CONTRAST = readFileSync(new URL('contrast.js', import.meta.url), 'utf8');
const WIDE = { width: 1280, height: 860 };
const NARROW = { width: 390, height: 844 };
const NARROWEST = { width: 320, height: 640 };

const TELEPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1';

type Scheme = 'light' | 'dark';
const SCHEMES: readonly Scheme[] = ['light', 'dark'];

interface Text {
  readonly text: string;
  readonly contrast: number;
}

let sample: Sample;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  sample = await Sample.start({ PATH: process.env['PATH'] ?? '' }, 'cluster');
  browser = await launchChromium();
}, 120_000);

afterAll(async () => {
  await browser.close();
  await sample.stop();
});

afterEach(() => context.close());

async function newPage(scheme: Scheme, viewport = WIDE): Promise<Page> {
  context = await browser.newContext({ colorScheme: scheme, viewport });
  return context.newPage();
}

/** The dashboard after some use: a burst of requests, and another browser that is logged in. */
async function usedDashboard(page: Page): Promise<void> {
  await openDashboard(page, sample.url);
  const others = page.getByRole('button', { name: 'Log out the others' });
  if (await others.isVisible()) await others.click();
  const telephone = await browser.newContext({ userAgent: TELEPHONE });
  await openDashboard(await telephone.newPage(), sample.url);
  await telephone.close();
  await page.goto(`${sample.url}/dashboard`);
  await allAnswered(page);
  await page.locator('#token-left', { hasText: /^5[0-4] s$/u }).waitFor();
  await page.getByRole('button', { name: 'Fire 20 requests at once' }).click();
  await page.getByText(/1 refresh at the provider/u).waitFor();
}

const PAGES: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  home: (page) => page.goto(sample.url),
  login: (page) => page.goto(`${sample.url}/dashboard`),
  'login-refused': async (page) => {
    await page.goto(`${sample.url}/dashboard`);
    await submitLogin(page, 'alice', 'wrong');
    await page.getByRole('alert').waitFor();
  },
  dashboard: usedDashboard,
  'session-ended': async (page) => {
    await openDashboard(page, sample.url);
    await context.clearCookies({ name: 'sid' });
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
  },
  error: (page) => page.goto(`${sample.url}/auth/callback?state=x&code=y`),
};

describe.each(SCHEMES)('in %s', (scheme) => {
  it.each(Object.keys(PAGES))('%s has a contrast of 4.5 or more', async (name) => {
    const page = await newPage(scheme);
    await PAGES[name]?.(page);
    const texts = await page.evaluate<readonly Text[]>(CONTRAST);
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.filter(({ contrast }) => contrast < 4.5)).toEqual([]);
    await page.screenshot({ path: `${SCREENSHOTS}/${name}-${scheme}.png`, fullPage: true });
  });

  it('the dashboard fits a telephone', async () => {
    const page = await newPage(scheme, NARROW);
    await usedDashboard(page);
    await page.screenshot({ path: `${SCREENSHOTS}/dashboard-${scheme}-narrow.png`, fullPage: true });
    await page.setViewportSize(NARROWEST);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(NARROWEST.width);
  });
});

describe('every page', () => {
  it.each(Object.keys(PAGES))('%s names its language, itself, its parts and controls', async (name) => {
    const page = await newPage('light');
    await PAGES[name]?.(page);
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(await page.title()).not.toBe('');
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    const outline = await page.locator('body').ariaSnapshot();
    expect(outline).not.toMatch(/- (?:button|link|textbox|checkbox|region|img|progressbar)(?: \[[^\]]*\])*:?$/mu);
    expect(await levels(page)).toEqual(await levels(page, (level, previous) => level <= previous + 1));
  });

  /** The headings' levels; those that `fits` accepts after the one before. */
  async function levels(page: Page, fits = (_level: number, _previous: number): boolean => true): Promise<number[]> {
    const all = await page.evaluate<number[]>(
      "[...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => Number(tagName.slice(1)))",
    );
    return all.filter((level, index) => fits(level, all[index - 1] ?? 0));
  }
});

describe('the keyboard', () => {
  let page: Page;

  beforeEach(async () => {
    page = await newPage('light');
    await openDashboard(page, sample.url);
  });

  const focused = async (): Promise<string> =>
    page.evaluate<string>(`(() => {
      const { id, textContent, labels, ariaLabel } = document.activeElement;
      return (labels?.[0]?.textContent || ariaLabel || textContent || id).trim().replace(/\\s+/gu, ' ').slice(0, 40);
    })()`);

  it('reaches every control in the order of reading, with a visible focus', async () => {
    const order: string[] = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const tag = await page.evaluate<string>('document.activeElement.tagName');
      if (tag === 'BODY') break;
      order.push(await focused());
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none');
    }
    const sessions = (name: string): boolean => /^Log out (?:the others|.+ on .+)$/u.test(name);
    expect(order.filter((name) => !sessions(name))).toEqual([
      'Skip to content',
      'nest-oidc sample',
      'Log out',
      'Fire 20 requests at once',
      'with a token to be refreshed',
      'Timeline',
      'every 5 seconds',
      'Send again',
      'Requests',
      'Note',
      'Add',
    ]);
  });

  it('works the controls', async () => {
    await page.getByRole('button', { name: 'Send again' }).focus();
    await page.evaluate("document.getElementById('calls').replaceChildren()");
    await page.keyboard.press('Enter');
    await page.locator('#calls tr').nth(4).waitFor();
    await allAnswered(page);
    await page.getByLabel('Note').focus();
    await page.keyboard.type('Feed the cat');
    await page.keyboard.press('Enter');
    await page.getByText('Feed the cat', { exact: true }).waitFor();
    expect(await focused()).toBe('Note');
  });

  it('skips what is the same on every page', async () => {
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Fire 20 requests at once');
  });
});
