import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createServer, type RequestListener, type Server as HttpServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { systemClock } from '../../lib/common/clock.js';
import { AppChecks } from '../../lib/cli/app-checks.js';
import { runCommand } from '../../lib/cli/command.js';
import { checkEnvironment } from '../../lib/cli/environment-checks.js';
import { Findings } from '../../lib/cli/findings.js';
import { NoReplyError, probe } from '../../lib/cli/probe.js';
import { ProviderChecks } from '../../lib/cli/provider-checks.js';
import { checkRedis } from '../../lib/cli/redis-checks.js';
import type { Environment } from '../../lib/options/environment.js';
import type { ResolvedOptions } from '../../lib/options/resolved-options.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { freePort } from '../support/free-port.js';
import { SECRET } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';
import { ReverseProxy } from './reverse-proxy.js';

const APP = 'http://localhost:3000';
const REDIRECT_URI = `${APP}/auth/callback`;

const servers: (HttpServer | Server)[] = [];
afterEach(async () => {
  const ended = servers.splice(0).map((server) => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  await Promise.all(ended);
});

/** The port on which the server listens until the test ends. */
async function portOf(server: HttpServer | Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  return (server.address() as AddressInfo).port;
}

const serve = async (listener: RequestListener): Promise<URL> =>
  new URL(`http://localhost:${await portOf(createServer(listener))}`);

const environmentOf = (issuer: string, changes: Environment = {}): Environment => ({
  OIDC_ISSUER: issuer,
  OIDC_CLIENT_ID: CLIENT_ID,
  OIDC_CLIENT_SECRET: CLIENT_SECRET,
  BASE_URL: APP,
  SESSION_SECRET: SECRET,
  ...changes,
});

function optionsOf(issuer: string): ResolvedOptions {
  const options = checkEnvironment(environmentOf(issuer), {}, new Findings());
  if (!options) throw new Error('the environment of the test is not good');
  return options;
}

/** Findings that nobody can read any more once they come to a line. */
const brokenAt = (start: string): Findings =>
  new Findings((line) => {
    if (line.startsWith(start)) throw new Error('the terminal is gone');
  });

const told = ({ all }: Findings): string[] =>
  all.map(({ mark, subject, text, cure }) => `${mark} ${subject}: ${text} → ${cure ?? ''}`);

describe('a probe of the doctor', () => {
  it('gives up after ten seconds on a server that accepts and stays silent', async () => {
    const clock = new ControlledClock();
    let arrived = (): void => undefined;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    const url = await serve(() => arrived());
    const reply = probe(clock, url).catch((error: unknown) => error);
    await arrival;
    await clock.advance(10_000);
    const error = await reply;
    expect(error).toBeInstanceOf(NoReplyError);
    expect(error).toMatchObject({ reason: 'timeout', isAbsence: true });
  });

  it('reads no more than half a megabyte of what is sent to it', async () => {
    const url = await serve((_request, response) => void response.end(Buffer.alloc(2 * 1024 * 1024, 'x')));
    const { status, body } = await probe(systemClock, url);
    expect(status).toBe(200);
    expect(body.length).toBeLessThanOrEqual(512 * 1024);
  });
});

describe('what the doctor sees of an application', () => {
  const GOOD_COOKIE = 'oidc.tx.a=1; Path=/; HttpOnly; SameSite=Lax';

  /** The findings on a login that goes on to `to` with this cookie, and a callback that answers as told. */
  const findingsOf = async (to: string, cookie: string, callback: RequestListener, redirectUri?: string) => {
    const url = await serve((request, response) => {
      if (request.url !== '/auth/login') return callback(request, response);
      response.writeHead(302, { location: to, 'set-cookie': cookie }).end();
    });
    const findings = new Findings();
    const addresses = {
      login: new URL('/auth/login', url),
      redirectUri: new URL(redirectUri ?? new URL('/auth/callback', url)),
    };
    await new AppChecks(optionsOf('http://localhost:1'), addresses, findings).run(undefined);
    return told(findings);
  };
  const PROVIDER = 'https://login.example.com/authorize?state=s';

  it('takes any redirect of the login for the provider’s when the metadata is not known', async () => {
    const findings = await findingsOf(PROVIDER, GOOD_COOKIE, (_request, response) => void response.end());
    expect(findings[0]).toMatch(/^ok login route: .+ leads to the provider/u);
    expect(findings[1]).toMatch(/^note callback route: the redirect URI is not to be seen/u);
  });

  it('names a cookie that was set for another BASE_URL', async () => {
    const findings = await findingsOf(PROVIDER, `__Host-${GOOD_COOKIE}; Secure`, () => undefined);
    expect(findings.at(-1)).toMatch(
      /^fault cookies: .+ not named oidc\.tx\.… → Start the application with this BASE_/u,
    );
  });

  it('sends to the log of the proxy when the callback breaks off', async () => {
    const findings = await findingsOf(PROVIDER, GOOD_COOKIE, (request) => void request.socket.destroy());
    expect(findings.at(-1)).toMatch(
      /^fault way back: .+ does not answer \(ECONNRESET\) → Look into the log of the proxy/u,
    );
  });

  it('does not repeat an error of a callback that speaks other words than the library', async () => {
    const findings = await findingsOf(PROVIDER, GOOD_COOKIE, (_request, response) => {
      response.end(JSON.stringify({ error: 'Words of Somebody Else' }));
    });
    expect(findings.at(-1)).toMatch(/^fault way back: .+ answers 200, and not as the library does/u);
    expect(findings.join('\n')).not.toContain('Somebody');
  });

  it('asks plain http as well when the application is at the usual port of https', async () => {
    const addresses = { login: new URL('https://127.0.0.1/auth/login'), redirectUri: new URL(REDIRECT_URI) };
    const checks = new AppChecks(optionsOf('http://localhost:1'), addresses, new Findings());
    const plainHttp = jest.spyOn(checks, 'checkPlainHttp').mockResolvedValue();
    await checks.run(undefined);
    expect(plainHttp.mock.calls.map(([url]) => url.href)).toEqual(['http://127.0.0.1/']);
  });

  it('does not take a failure of its own for an application that does not answer', async () => {
    const impossible = new URL('ftp://localhost/');
    const addresses = { login: impossible, redirectUri: impossible };
    const checks = new AppChecks(optionsOf('http://localhost:1'), addresses, new Findings());
    await expect(checks.run(undefined)).rejects.toThrow(/Protocol "ftp:"/u);
    await expect(checks.checkPlainHttp(impossible)).rejects.toThrow(/Protocol "ftp:"/u);
    await expect(findingsOf(PROVIDER, GOOD_COOKIE, () => undefined, impossible.href)).rejects.toThrow(/"ftp:"/u);
  });
});

describe('what the doctor sees of an environment', () => {
  const production = { NODE_ENV: 'production', BASE_URL: 'https://app.example.com' };

  it('says that an environment is good enough for production', () => {
    const findings = new Findings();
    checkEnvironment(environmentOf('https://login.example.com', production), {}, findings);
    expect(told(findings)[0]).toBe('ok environment: the application starts with it in production → ');
  });

  it('does not take a failure of its own for a variable that is wrong', () => {
    const environment = environmentOf('https://login.example.com', production);
    expect(() => checkEnvironment(environment, {}, brokenAt('✓ environment'))).toThrow('the terminal is gone');
  });

  it('has a cure for a problem that names none', () => {
    const findings = new Findings();
    checkEnvironment(environmentOf('https://login.example.com'), { login: 'no-slash' }, findings);
    expect(told(findings)).toEqual([
      expect.stringMatching(/^fault routes\.login: must be a path .+ → Correct routes\.login\.$/u),
    ]);
  });
});

describe('what the doctor sees of a provider', () => {
  let scripted: ScriptedProvider;
  beforeAll(async () => void (scripted = await ScriptedProvider.start()));
  afterEach(() => scripted.reset());
  afterAll(() => scripted.stop());

  const examine = async (findings = new Findings(), issuer = scripted.issuer): Promise<string[]> => {
    await new ProviderChecks(optionsOf(issuer), REDIRECT_URI, findings).run();
    return told(findings);
  };

  it('ends the command with 0 when there is nothing to mend', async () => {
    let out = '';
    const status = await runCommand({
      args: ['doctor', '--no-app'],
      variables: environmentOf(scripted.issuer),
      readFile: () => '',
      write: (text) => void (out += text),
      writeError: (text) => void (out += text),
    });
    expect(out).toMatch(/\n\nNothing to mend\.\n$/u);
    expect(status).toBe(0);
  });

  it('finds metadata that names no algorithm for ID tokens', async () => {
    scripted.script.discovery = (document) => ({ ...document, id_token_signing_alg_values_supported: undefined });
    expect(await examine()).toContainEqual(
      expect.stringMatching(/^fault ID token: the provider signs with nothing, .+ → Let the provider sign/u),
    );
  });

  it.each([null, {}, 5, 'S256'])(
    'takes metadata that say %j where a list belongs for saying nothing',
    async (value) => {
      scripted.script.discovery = (document) => ({
        ...document,
        code_challenge_methods_supported: value,
        id_token_signing_alg_values_supported: value,
        scopes_supported: value,
      });
      const findings = await examine();
      expect(findings).toContainEqual(expect.stringMatching(/^note PKCE: the metadata does not say/u));
      expect(findings).toContainEqual(expect.stringMatching(/^fault ID token: the provider signs with nothing/u));
    },
  );

  it('counts no keys in a set that is none, and no time in an answer without a date', async () => {
    const url = await serve((_request, response) => {
      response.sendDate = false;
      response.end(JSON.stringify({ keys: 'none' }));
    });
    scripted.script.discovery = (document) => ({ ...document, jwks_uri: `${url.origin}/jwks` });
    const findings = await examine();
    expect(findings).toContainEqual(expect.stringMatching(/^fault signing keys: there are none .+ \(status 200\)/u));
    expect(findings).toContainEqual(expect.stringMatching(/^note clock: the provider does not say/u));
  });

  it('does not follow the authorization endpoint to another site', async () => {
    const elsewhere = jest.fn<RequestListener>((_request, response) => void response.end());
    const { origin } = await serve(elsewhere);
    scripted.script.answer = ({ path }) =>
      path === '/authorize' ? { status: 302, headers: { location: `${origin}/login` } } : undefined;
    expect(await examine()).toContainEqual(expect.stringMatching(/^note redirect URI: cannot be told/u));
    expect(elsewhere).not.toHaveBeenCalled();
  });

  it('asks for a certificate that Node.js trusts when the provider has another', async () => {
    const proxy = await ReverseProxy.start(() => Number(new URL(scripted.issuer).port), { tls: true });
    const findings = await examine(new Findings(), proxy.url);
    await proxy.stop();
    expect(findings).toEqual([expect.stringMatching(/^fault issuer: .+ → Give the provider a certificate that Node/u)]);
  });

  it('asks for another host name when nobody knows the one of the issuer', async () => {
    expect(await examine(new Findings(), 'https://provider.invalid')).toEqual([
      expect.stringMatching(/^fault issuer: .+ → Correct the host name in OIDC_ISSUER/u),
    ]);
  });

  it.each(['✓ issuer', '✓ redirect URI'])(
    'does not take a failure of its own for one of the provider: %s',
    async (line) => {
      await expect(examine(brokenAt(line))).rejects.toThrow('the terminal is gone');
    },
  );
});

describe('what the doctor sees of a Redis', () => {
  /** The findings on a server that answers `INFO` with these bytes, and everything else with OK. */
  const findingsOf = async (info: string): Promise<string[]> => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        for (const command of data.toString('utf8').split(/^\*/mu).slice(1)) {
          socket.write(/\r\nINFO\r\n/iu.test(command) ? info : '+OK\r\n');
        }
      });
    });
    const findings = new Findings();
    await checkRedis(`redis://localhost:${await portOf(server)}`, findings);
    return told(findings);
  };
  const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

  it('finds a version that is too old', async () => {
    const [version] = await findingsOf(bulk('redis_version:5.0.14\r\nmaxmemory_policy:noeviction\r\n'));
    expect(version).toBe('fault Redis: has version 5.0.14 → Update it to version 6 or newer.');
  });

  it('says so when the server tells neither its version nor what it evicts', async () => {
    const [version, eviction] = await findingsOf(bulk('# Server\r\n'));
    expect(version).toMatch(/^fault Redis: has version unknown/u);
    expect(eviction).toMatch(/^note Redis eviction: the server does not tell its policy → Make sure/u);
  });

  it('keeps the words of a server that refuses to say anything to itself', async () => {
    expect(await findingsOf('-ERR words that nobody knows\r\n')).toEqual([
      expect.stringMatching(/^fault Redis: cannot be asked \(not a usable Redis URL, or no answer\) → Start Redis/u),
    ]);
  });

  it('asks for the package redis where it is not installed', async () => {
    const findings = new Findings();
    await jest.isolateModulesAsync(async () => {
      jest.unstable_mockModule('redis', () => {
        throw new Error('Cannot find package');
      });
      const { checkRedis: check } = await import('../../lib/cli/redis-checks.js');
      await check(`redis://localhost:${await freePort()}`, findings);
    });
    expect(told(findings)).toEqual([
      'fault Redis: the package redis is not installed → Install it: npm install redis.',
    ]);
  });
});
