import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { once } from 'node:events';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/gate.js';
import { ResourceServer } from '../support/resource-server.js';
import { Sample } from '../support/sample.js';
import { freePort } from '../support/free-port.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';
import { EventStream } from './event-stream.js';

/** Seconds. */
const ACCESS_TOKEN_LIFETIME = 4;

let provider: TestProvider;
let resource: ResourceServer;
let sample: Sample;
let browser: Browser;

beforeAll(async () => {
  const port = await freePort();
  provider = await TestProvider.start({
    redirectUris: [`http://localhost:${port}/auth/callback`],
    accessTokenLifetime: ACCESS_TOKEN_LIFETIME,
  });
  resource = await ResourceServer.start();
  sample = await Sample.start(
    {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_CLIENT_SECRET: CLIENT_SECRET,
      RESOURCE_URL: resource.url,
    },
    'cluster',
  );
  browser = new Browser();
  await browser.navigate(`${sample.url}/api/profile`);
}, 120_000);

afterAll(async () => {
  await provider.stop();
  await resource.stop();
});

/** Waits until nobody listens there. */
function refusal(port: number): Promise<void> {
  return eventually(async () => {
    const socket = connect(port, 'localhost');
    // Rejects with the socket's error.
    await expect(once(socket, 'connect').finally(() => socket.destroy())).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
}

const askedBy = ({ headers }: BrowserResponse): unknown => headers['served-by'];

/** As the timeline tells. */
async function pidsOf(names: readonly string[]): Promise<readonly number[]> {
  const stream = await EventStream.open(`${sample.url}/api/timeline`, browser);
  const pids = names.map(async (name) => {
    await stream.told(name);
    return Number(stream.messages.findLast((message) => message['process'] === name)?.['pid']);
  });
  return Promise.all(pids).finally(() => stream.close());
}

describe('three processes behind one port', () => {
  it('share a Redis that was started with them', () => {
    expect(sample.stdout).toContain('3 processes take turns on this port');
    expect(sample.stdout).toMatch(/Sessions are kept in Redis at redis:\/\/127\.0\.0\.1:\d+/u);
    expect(sample.stdout.match(/Open http/gu)).toHaveLength(1);
  });

  it('send one refresh for 20 requests at once that meet an expired token, and tell who shared it', async () => {
    const stream = await EventStream.open(`${sample.url}/api/timeline`, browser);
    const { headers } = await browser.fetch(`${sample.url}/api/profile`);
    const end = performance.now() + Number(headers['token-expires-in']) * 1000;
    await eventually(() => expect(performance.now()).toBeGreaterThan(end), 2000);
    provider.grants.length = 0;

    const answers = await Promise.all(Array.from({ length: 20 }, () => browser.fetch(`${sample.url}/api/resource`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(askedBy))).toEqual(new Set(['Process 1', 'Process 2', 'Process 3']));
    expect(new Set(resource.tokens.slice(-20)).size).toBe(1);
    expect(provider.grants).toEqual([{ type: 'refresh_token', ok: true }]);

    const told = (text: string): number => stream.messages.filter((message) => message['text'] === text).length;
    await eventually(() => expect(told('Answered GET /api/resource')).toBe(20));
    expect(told('Refreshed the tokens at the provider')).toBe(1);
    expect(told('Took over what another process had refreshed')).toBeGreaterThanOrEqual(1);
    stream.close();
  });

  it('replace one that has crashed', async () => {
    const [pid = 0] = await pidsOf(['Process 1']);
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(sample.output).toContain('another takes its place'));
    await eventually(async () => {
      // Connections go round, not requests.
      const headers = { connection: 'close' };
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => browser.fetch(`${sample.url}/api/profile`, { headers })),
      );
      expect(new Set(answers.map(askedBy))).toContain('Process 4');
    });
  });

  it('all finish what they are at after Ctrl+C, which each of them gets to hear, and Redis goes last', async () => {
    const pids = await pidsOf(['Process 2', 'Process 3', 'Process 4']);
    const [asked, answered] = [gate(), gate()];
    let pending = 0;
    resource.answer = async (_request, response) => {
      pending += 1;
      if (pending === 3) asked.open();
      await answered.passed;
      response.end('{"late":true}');
    };
    const requests = Array.from({ length: 3 }, () => browser.fetch(`${sample.url}/api/resource`));
    await asked.passed;
    for (const pid of pids) process.kill(pid, 'SIGINT');
    sample.signal('SIGINT');
    await refusal(Number(new URL(sample.url).port));
    answered.open();
    const answers = await Promise.all(requests);
    expect(answers.map(({ body }) => body)).toEqual(Array(3).fill('{"late":true}'));
    expect((await sample.exit()).status).toBe(0);

    const [, redisPort] = /redis:\/\/127\.0\.0\.1:(\d+)/u.exec(sample.stdout) ?? [];
    await refusal(Number(redisPort));
  });
});

describe('without Redis', () => {
  it('says what to install', async () => {
    const { status, stdout, stderr } = await Sample.run({ PATH: '/nonexistent' }, 'cluster');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^Configuration: REDIS_URL is missing.* apt-get install redis-server.*\n$/u);
  });
});
