import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { Sample, SAMPLE_SECRET, type Variables } from '../support/sample.js';
import { freePort } from '../support/free-port.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';

const client = { OIDC_ISSUER: 'https://login.example.com', OIDC_CLIENT_ID: 'app', OIDC_CLIENT_SECRET: 'secret' };

describe('bad configuration', () => {
  const cases: readonly (readonly [string, string, Variables])[] = [
    ['a port that is no number', 'PORT', { PORT: 'http' }],
    ['a malformed issuer', 'OIDC_ISSUER', { ...client, OIDC_ISSUER: 'login.example.com' }],
    ['a plain-http issuer', 'OIDC_ISSUER', { ...client, OIDC_ISSUER: 'http://login.example.com' }],
    ['an issuer with a query', 'OIDC_ISSUER', { ...client, OIDC_ISSUER: 'https://login.example.com/?tenant=1' }],
    ['a short secret', 'SESSION_SECRET', { SESSION_SECRET: 'short-and-sweet' }],
    ['a secret of one letter', 'SESSION_SECRET', { SESSION_SECRET: 'a'.repeat(40) }],
    ['a secret that is there twice', 'SESSION_SECRET', { SESSION_SECRET: `${SAMPLE_SECRET},${SAMPLE_SECRET}` }],
    ['no provider in production', 'OIDC_ISSUER', { NODE_ENV: 'production', BASE_URL: 'https://app.example.com' }],
  ];

  it.each(cases)('stops the start at %s, with one line that names %s', async (_title, name, variables) => {
    const { status, stdout, stderr } = await Sample.run(variables);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(name);
    // The value of a bad secret is still a secret.
    expect(stderr).not.toContain('short-and-sweet');
    expect(stderr).not.toContain(SAMPLE_SECRET);
  });
});

describe('starting', () => {
  const samples: Sample[] = [];
  const servers: Server[] = [];

  afterEach(async () => {
    await Promise.all(samples.splice(0).map((sample) => sample.stop()));
    for (const server of servers.splice(0)) server.close();
  });

  async function start(variables: Variables = {}): Promise<Sample> {
    const sample = await Sample.start(variables);
    samples.push(sample);
    return sample;
  }

  /** Takes the port, unless another program has it already. */
  async function occupy(port: number): Promise<void> {
    const server = createServer().listen(port);
    servers.push(server);
    await new Promise<void>((resolve) => server.once('listening', resolve).once('error', () => resolve()));
  }

  it('needs no configuration: it says where it is, who can log in, and that its secret will not last', async () => {
    const sample = await start();
    expect(sample.stdout).toContain(`Open ${sample.url}\n`);
    expect(sample.stdout).toContain('alice / alice-demo, bob / bob-demo');
    expect(sample.stdout).toMatch(/SESSION_SECRET is not set/u);
    // No notice of a library's library.
    expect(sample.output).not.toMatch(/oidc-provider|WARNING|MUST/u);
    expect(sample.stderr).toBe('');
    expect((await new Browser().open(sample.url)).status).toBe(200);
  });

  it('takes an empty variable for one that is not set', async () => {
    const sample = await start({ OIDC_ISSUER: '', REDIS_URL: '', SESSION_SECRET: '', TRUST_PROXY: '' });
    expect(sample.stdout).toContain('embedded');
  });

  it('does not warn of a secret that is set', async () => {
    expect((await start({ SESSION_SECRET: SAMPLE_SECRET })).stdout).not.toContain('SESSION_SECRET');
  });

  it('gives the embedded provider another port when the next one is taken', async () => {
    const port = await freePort();
    await occupy(port + 1);
    const sample = await start({ PORT: String(port) });
    const login = await new Browser().navigate(`${sample.url}/dashboard`);
    expect(login.status).toBe(200);
    expect(login.body).toContain('name="password"');
  });

  it('names PORT when another program has it', async () => {
    const port = await freePort();
    await occupy(port);
    const { status, stderr } = await Sample.run({ PORT: String(port) });
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('PORT');
  });

  it('takes BASE_URL for its own address, whatever a request says', async () => {
    const sample = await start({ BASE_URL: 'https://app.example.com', TRUST_PROXY: '1' });
    const { location = '' } = await new Browser().open(`${sample.url}/auth/login`, {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
    });
    expect(new URL(location).searchParams.get('redirect_uri')).toBe('https://app.example.com/auth/callback');
  });

  it('comes up while the provider is down, says so, and logs users in as soon as it is there', async () => {
    const [port, providerPort] = [await freePort(), await freePort()];
    const issuer = `http://localhost:${providerPort}`;
    const sample = await start({
      PORT: String(port),
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_CLIENT_SECRET: CLIENT_SECRET,
    });
    const browser = new Browser();
    await eventually(() => expect(sample.output).toContain('provider.unavailable'));
    expect((await browser.open(sample.url)).status).toBe(200);
    expect((await browser.fetch(`${sample.url}/health`)).json()).toMatchObject({
      status: 'degraded',
      store: 'available',
      provider: 'unavailable',
    });
    const refused = await browser.open(`${sample.url}/auth/login`);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);

    const provider = await TestProvider.start({ port: providerPort, redirectUris: [`${sample.url}/auth/callback`] });
    await eventually(async () => {
      const profile = await browser.navigate(`${sample.url}/api/profile`);
      expect(profile.status).toBe(200);
      expect(profile.json()).toMatchObject({ sub: 'alice' });
    }, 1000);
    await provider.stop();
  });
});
