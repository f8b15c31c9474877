import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { JWT } from '../support/canary.js';
import { RedisServer } from '../support/redis-server.js';
import { ResourceServer } from '../support/resource-server.js';
import { Sample, SAMPLE_SECRET, type Variables } from '../support/sample.js';
import { freePort } from '../support/free-port.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';
import { EventStream } from './event-stream.js';

let provider: TestProvider;
let resource: ResourceServer;
let redis: RedisServer;
let variables: Variables;
/** Two processes of one app. */
let sample: Sample;
let other: Sample;
let browser: Browser;
let streams: EventStream[] = [];

beforeAll(async () => {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  provider = await TestProvider.start({ redirectUris: [`${url}/auth/callback`] });
  resource = await ResourceServer.start();
  redis = await RedisServer.start();
  variables = {
    BASE_URL: url,
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: CLIENT_ID,
    OIDC_CLIENT_SECRET: CLIENT_SECRET,
    SESSION_SECRET: SAMPLE_SECRET,
    RESOURCE_URL: resource.url,
    REDIS_URL: redis.url,
  };
  sample = await Sample.start({ ...variables, PORT: String(port) });
  other = await Sample.start(variables);
}, 120_000);

afterAll(async () => {
  await Promise.all([sample.stop(), other.stop()]);
  await provider.stop();
  await resource.stop();
  await redis.dispose();
});

beforeEach(async () => {
  browser = new Browser();
  await browser.navigate(`${sample.url}/api/profile`);
});

afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});

async function watch(url = sample.url, by = browser): Promise<EventStream> {
  const stream = await EventStream.open(`${url}/api/timeline`, by);
  streams.push(stream);
  return stream;
}

describe('the timeline', () => {
  it('is for whoever is logged in', async () => {
    const stream = await watch(sample.url, new Browser());
    expect(stream.response.statusCode).toBe(401);
  });

  it('is a stream of events that nobody stores', async () => {
    const { headers } = (await watch()).response;
    expect(headers['content-type']).toBe('text/event-stream');
    expect(headers['cache-control']).toContain('no-store');
  });

  it('tells what has happened lately, and what happens now', async () => {
    const stream = await watch();
    await stream.told('Logged in');
    await stream.told('Answered GET /api/profile');
    await browser.fetch(`${sample.url}/api/resource`);
    await stream.told('Answered GET /api/resource');
    const { id, time, process, pid, kind, ms } = stream.messages.at(-1) ?? {};
    expect({ id, process, kind }).toEqual({
      id: expect.stringMatching(/^\d+-\d+$/u),
      process: `Process ${String(pid)}`,
      kind: 'request',
    });
    expect(Number(time)).toBeGreaterThan(0);
    expect(Number(ms)).toBeGreaterThan(0);
  });

  it('tells of a request that could not be answered', async () => {
    resource.answer = ({ socket }) => void socket.destroy();
    await browser.fetch(`${sample.url}/api/resource`);
    resource.answerWith(ResourceServer.body);
    await (await watch()).told('Could not answer GET /api/resource');
  });

  it('tells what other processes do', async () => {
    const stream = await watch(other.url);
    await browser.fetch(`${sample.url}/api/resource`);
    await stream.told('Answered GET /api/resource');
    expect(new Set(stream.messages.map(({ pid }) => pid)).size).toBe(1);
    await browser.fetch(`${other.url}/api/profile`);
    await stream.told('Answered GET /api/profile');
  });

  it('tells nobody what happens to another session, be it of the same user', async () => {
    const stream = await watch();
    const stranger = new Browser();
    await stranger.navigate(`${sample.url}/api/profile`);
    await stranger.fetch(`${sample.url}/api/notes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"text":"x"}',
    });
    await (await watch(sample.url, stranger)).told('Answered POST /api/notes');
    await browser.fetch(`${sample.url}/api/resource`);
    await stream.told('Answered GET /api/resource');
    expect(stream.text).not.toContain('/api/notes');
  });

  it('carries no token, no name and no session', async () => {
    const stream = await watch();
    await browser.fetch(`${sample.url}/api/resource`);
    await stream.told('Answered GET /api/resource');
    expect(resource.tokens.filter((token) => stream.text.includes(token))).toEqual([]);
    expect(stream.text).not.toContain('alice');
    expect(stream.text).not.toMatch(JWT);
    expect(stream.text).not.toContain(browser.cookies.get('sid'));
    expect(Object.keys(stream.messages.at(-1) ?? {}).sort()).toEqual(
      ['id', 'kind', 'ms', 'pid', 'process', 'text', 'time'].sort(),
    );
  });

  it.each([
    ['the same', () => sample],
    ['another', () => other],
  ])('ends when the session ends on %s process, and says so', async (_title, process) => {
    const stream = await watch();
    await browser.fetch(`${process().url}/auth/logout`, { method: 'POST', headers: { origin: sample.url } });
    await stream.told('event: ended');
    await stream.end();
  });

  it('does not keep the app from ending', async () => {
    const third = await Sample.start(variables);
    const stream = await watch(third.url);
    expect((await third.stop()).status).toBe(0);
    await stream.end();
    expect(stream.text).not.toContain('event: ended');
  });
});

describe('the sessions of a user', () => {
  it('are ended by forms of our own pages only', async () => {
    for (const path of ['/sessions/others/end', '/sessions/any/end']) {
      const refused = await browser.fetch(sample.url + path, {
        method: 'POST',
        headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      });
      expect(refused.status).toBe(403);
      expect((await new Browser().fetch(sample.url + path, { method: 'POST' })).status).toBe(401);
    }
  });

  it('are not ended by another user who knows their name', async () => {
    const stranger = new Browser();
    provider.accountId = 'bob';
    await stranger.navigate(`${sample.url}/dashboard`);
    provider.accountId = 'alice';
    const second = new Browser();
    await second.navigate(`${sample.url}/dashboard`);
    const page = await second.open(`${sample.url}/dashboard`);
    const [action = ''] = /\/sessions\/[\w-]{20,}\/end/u.exec(page.body) ?? [];
    const end = (by: Browser): ReturnType<Browser['fetch']> => by.fetch(sample.url + action, { method: 'POST' });
    expect((await end(stranger)).location).toBe('/dashboard?ended=0');
    expect((await end(second)).location).toBe('/dashboard?ended=1');
  });

  it('are counted in the answer by a number, and by nothing else that an address can say', async () => {
    const answer = async (ended: string): Promise<string> =>
      (await browser.open(`${sample.url}/dashboard?ended=${ended}`)).body;
    expect(await answer('2')).toContain('2 other sessions were logged out.');
    for (const ended of ['', '-1', '1e3', '<b>', '2&ended=3']) {
      expect(await answer(encodeURIComponent(ended))).not.toContain('role="status" tabindex');
    }
  });
});
