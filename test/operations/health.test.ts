import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { MemorySessionStore, OidcModule, Public } from 'nest-oidc';
import { OidcHealthIndicator } from 'nest-oidc/terminus';
import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import { OidcHealth } from '../../lib/operations/oidc-health.js';
import { SessionRepository } from '../../lib/session/session-repository.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { freePort } from '../support/free-port.js';
import { SECRET } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

/** As an application has it. */
@Public()
@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly oidc: OidcHealthIndicator,
  ) {}

  @HealthCheck()
  @Get('ready')
  ready() {
    return this.health.check([() => this.oidc.store('sessions')]);
  }

  @HealthCheck()
  @Get('dependencies')
  dependencies() {
    return this.health.check([() => this.oidc.store('sessions'), () => this.oidc.provider('login')]);
  }
}

@Module({ imports: [TerminusModule], controllers: [HealthController], providers: [OidcHealthIndicator] })
class HealthModule {}

/** A store that goes away when it is told to. */
class FrailStore extends MemorySessionStore {
  away = false;
  reads = 0;

  override get: MemorySessionStore['get'] = async (id) => {
    this.reads += 1;
    if (this.away) throw new Error('with redis://user:password@host in it');
    return super.get(id);
  };
}

let provider: ScriptedProvider;
let store: FrailStore;
let app: INestApplication;
let url: string;
let time: TimeTravel;

beforeEach(async () => {
  provider = await ScriptedProvider.start();
  store = new FrailStore();
  time = new TimeTravel();
});

afterEach(async () => {
  time.end();
  await app.close();
  await provider.stop();
});

async function start(): Promise<void> {
  const port = await freePort();
  url = `http://localhost:${port}`;
  const options = {
    issuer: provider.issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    baseUrl: url,
    secret: SECRET,
    allowInsecure: true,
    session: { store },
  };
  const module = await Test.createTestingModule({ imports: [OidcModule.forRoot(options), HealthModule] }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(port);
}

async function probe(path: string): Promise<{ status: number; details: Record<string, unknown> }> {
  const answer = await new Browser().fetch(`${url}/health/${path}`);
  return { status: answer.status, details: answer.json()['details'] as Record<string, unknown> };
}

const discoveries = (): number => provider.count('/.well-known/openid-configuration');

describe('the store', () => {
  it('is up when it can be read: once per probe, and without a request to the provider', async () => {
    await start();
    await eventually(() => expect(discoveries()).toBe(1));
    expect(await probe('ready')).toEqual({ status: 200, details: { sessions: { status: 'up' } } });
    expect(store.reads).toBe(1);
    expect(discoveries()).toBe(1);
  });

  it('is down when it does not answer, and says no more than that', async () => {
    await start();
    store.away = true;
    const down = { sessions: { status: 'down', reason: 'store_unavailable' } };
    expect(await probe('ready')).toEqual({ status: 503, details: down });
    store.away = false;
    expect((await probe('ready')).status).toBe(200);
  });
});

describe('the probe of the store', () => {
  it('does not take a fault of our own for a store that is down', async () => {
    await start();
    const health = app.get(OidcHealth, { strict: false });
    const fault = new TypeError('a fault');
    const load = jest.spyOn(app.get(SessionRepository, { strict: false }), 'load').mockRejectedValue(fault);
    await expect(health.store()).rejects.toBe(fault);
    load.mockRestore();
    expect(await health.store()).toEqual({ status: 'up' });
  });
});

describe('the provider', () => {
  it('is up once its metadata is known, and not asked again by probes', async () => {
    await start();
    await eventually(async () => expect((await probe('dependencies')).status).toBe(200));
    for (let i = 0; i < 20; i += 1) await probe('dependencies');
    expect(discoveries()).toBe(1);
    expect((await probe('dependencies')).details).toEqual({
      sessions: { status: 'up' },
      login: { status: 'up' },
    });
  });

  it('that is away is down since it was noticed; the application stays ready', async () => {
    provider.script.answer = () => ({ status: 503 });
    await start();
    await eventually(async () => {
      const { status, details } = await probe('dependencies');
      expect(status).toBe(503);
      expect(details['login']).toEqual({
        status: 'down',
        reason: 'http_503',
        since: expect.stringMatching(/^20.+Z$/u),
      });
    });
    expect((await probe('ready')).status).toBe(200);
  });

  it('that is away is asked again by probes, at most once every few seconds, until it is back', async () => {
    provider.script.answer = () => ({ status: 503 });
    await start();
    await eventually(() => expect(discoveries()).toBe(1));
    const { details } = await probe('dependencies');
    time.forward(10);
    await Promise.all(Array.from({ length: 20 }, () => probe('dependencies')));
    await eventually(() => expect(discoveries()).toBe(2));
    const later = await probe('dependencies');
    expect(later.details['login']).toEqual(details['login']);
    provider.reset();
    time.forward(20);
    await probe('dependencies');
    await eventually(async () => expect((await probe('dependencies')).status).toBe(200));
  });
});
