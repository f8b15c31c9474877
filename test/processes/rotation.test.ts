import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { Dice } from './dice.js';
import { Fleet } from './fleet.js';
import { hashOf } from './strict-provider.js';

const OLD = 'o1d-a-secret-that-only-tests-use-Kd7w';
const NEW = 'n3w-a-secret-that-only-tests-use-Pz5x';
/** Seconds. */
const LIFETIME = 60;
const USERS = 8;

const script = { accept: 'application/json' };

interface Visitor {
  readonly account: string;
  readonly browser: Browser;
}

/** Two processes behind one address, as a load balancer has them. Each request goes to either. */
class Installation {
  readonly visitors: Visitor[] = [];
  private readonly dice = new Dice(20_261_122);

  private constructor(readonly fleet: Fleet) {}

  static async start(): Promise<Installation> {
    const fleet = await Fleet.start({ size: 2, accessTokenLifetime: LIFETIME, oneAddress: true, secrets: [OLD] });
    return new Installation(fleet);
  }

  /** The process takes what it has begun to its end, and comes back with these secrets. */
  async restart(index: number, secrets: readonly string[]): Promise<void> {
    await this.fleet.process(index).terminate();
    await this.fleet.restart(index, secrets);
  }

  /** Starts a login at one process; its callback meets the other, or the same. */
  async callback(
    account: string,
    startsAt: number,
    endsAt: number,
  ): Promise<{ browser: Browser; answer: BrowserResponse }> {
    const browser = new Browser();
    browser.cookies.set('account', account);
    const login = `${this.fleet.process(startsAt).url}/auth/login?returnTo=/token`;
    const { url } = await browser.navigate(login, (next) => next.includes('/auth/callback?'));
    const callback = new URL(url);
    callback.port = String(this.fleet.process(endsAt).port);
    return { browser, answer: await browser.open(callback.href) };
  }

  async logIn(account: string, startsAt: number, endsAt: number): Promise<Visitor> {
    const { browser, answer } = await this.callback(account, startsAt, endsAt);
    expect([answer.status, answer.location]).toEqual([303, '/token']);
    return { account, browser };
  }

  /** Logins in every way through the two processes. They stay. */
  async newcomers(when: string): Promise<void> {
    for (const [startsAt, endsAt] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      this.visitors.push(await this.logIn(`${when} ${startsAt} ${endsAt}`.replaceAll(' ', '-'), startsAt, endsAt));
    }
  }

  /** Each user asks several times, at either process, all at once; then each process has answered each of them. */
  async everybodyIsServed(visitors: readonly Visitor[] = this.visitors): Promise<void> {
    await Promise.all(
      visitors.map(async ({ account, browser }) => {
        const at = [0, 1, this.dice.below(2), this.dice.below(2)];
        const answers = await Promise.all(
          at.map((index) => browser.fetch(`${this.fleet.process(index).url}/token`, { headers: script })),
        );
        for (const answer of answers) {
          expect([account, answer.status, answer.setCookies]).toEqual([account, 200, []]);
          expect(answer.json()).toMatchObject({ sub: account });
        }
      }),
    );
  }

  /** Everybody's access token is over: whoever is asked first refreshes it. */
  async everybodyIsRefreshed(): Promise<void> {
    await this.fleet.forward(LIFETIME + 1);
    const before = this.fleet.provider.presentations.length;
    await this.everybodyIsServed();
    expect(this.fleet.provider.presentations.length - before).toBe(this.visitors.length);
  }
}

async function install(users: number): Promise<Installation> {
  const installation = await Installation.start();
  for (let number = 0; number < users; number += 1) {
    installation.visitors.push(await installation.logIn(`user-${number}`, number % 2, number % 2));
  }
  await installation.everybodyIsServed();
  return installation;
}

describe('a new secret before the old one, one process after the other', () => {
  let installation: Installation;
  let fleet: Fleet;

  beforeAll(async () => {
    installation = await install(USERS);
    ({ fleet } = installation);
  }, 120_000);

  afterAll(() => fleet.stop());

  it('logs nobody out while one process knows the new secret and the other does not', async () => {
    await installation.restart(0, [NEW, OLD]);
    await installation.everybodyIsServed();
    await installation.everybodyIsRefreshed();
    await installation.everybodyIsRefreshed();
  }, 60_000);

  it('gives logins of that time sessions that one process alone can read, and the other asks for a login without taking them away', async () => {
    const { browser } = await installation.logIn('newcomer', 0, 0);
    const cookies = new Map(browser.cookies);
    const stranger = await browser.fetch(`${fleet.process(1).url}/token`);
    expect([stranger.status, stranger.setCookies]).toEqual([401, []]);
    expect(browser.cookies).toEqual(cookies);
    const home = await browser.fetch(`${fleet.process(0).url}/token`);
    expect(home.status).toBe(200);
  });

  it('cannot end a login there that began with the new secret, and ends one that began with the old', async () => {
    const { browser, answer } = await installation.callback('wanderer', 0, 1);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('transaction_invalid');
    expect(browser.cookies.has('sid')).toBe(false);
    await installation.logIn('returner', 1, 0);
  });

  it('logs nobody out when all processes know both', async () => {
    await installation.restart(1, [NEW, OLD]);
    await installation.everybodyIsServed();
    await installation.everybodyIsRefreshed();
    await installation.newcomers('both know both');
    await installation.everybodyIsRefreshed();
  }, 60_000);

  it('asks for a login where only the new one is known, and leaves cookie and session as they are [SES-07]', async () => {
    await installation.restart(0, [NEW]);
    await installation.restart(1, [NEW]);
    const old = installation.visitors.slice(0, USERS);
    for (const { browser } of old) {
      const { url } = fleet.process(1);
      const answers = [await browser.fetch(`${url}/token`), await browser.fetch(`${url}/auth/me`)];
      expect(answers.map(({ status, setCookies }) => [status, setCookies])).toEqual([
        [401, []],
        [401, []],
      ]);
      const page = await browser.open(`${url}/token`);
      expect([page.status, page.setCookies]).toEqual([302, []]);
      expect(page.location).toMatch(/^\/auth\/login\?/u);
    }
    await expect(inStore(fleet, old)).resolves.toBe(USERS);
    await installation.everybodyIsServed(installation.visitors.slice(USERS));
  }, 60_000);

  it('serves them all again once the old one is back', async () => {
    await installation.restart(0, [NEW, OLD]);
    await installation.restart(1, [NEW, OLD]);
    await installation.everybodyIsRefreshed();
  }, 60_000);
});

describe('a new secret at the end of the list everywhere, then at its front, then the old one gone', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await install(USERS);
  }, 120_000);

  afterAll(() => installation.fleet.stop());

  const steps = [
    ['behind the old one', [OLD, NEW]],
    ['before the old one', [NEW, OLD]],
  ] as const;

  it.each(steps)(
    'neither logs anybody out nor fails a login while the new one comes %s',
    async (where, secrets) => {
      for (const index of [0, 1]) {
        await installation.restart(index, secrets);
        await installation.everybodyIsServed();
        await installation.newcomers(`${where} ${index}`);
        await installation.everybodyIsRefreshed();
      }
    },
    120_000,
  );

  it('logs out nobody who has logged in since then, when the old one goes', async () => {
    const since = installation.visitors.length;
    await installation.newcomers('since then');
    for (const index of [0, 1]) {
      await installation.restart(index, [NEW]);
      await installation.everybodyIsServed(installation.visitors.slice(since));
    }
  }, 60_000);
});

/** How many of their sessions Redis holds. */
async function inStore({ redis }: Fleet, visitors: readonly Visitor[]): Promise<number> {
  const client = createClient({ url: redis.url });
  await client.connect();
  try {
    return await client.exists(visitors.map(({ browser }) => `oidc:s:{${hashOf(browser.cookies.get('sid') ?? '')}}`));
  } finally {
    client.destroy();
  }
}
