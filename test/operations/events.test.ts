import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger, Module, type INestApplication } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Test } from '@nestjs/testing';
import { OidcModule, type OidcEvent, type OidcOptions } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { freePort } from '../support/free-port.js';
import { SECRET, TestController, type TestApp } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

let provider: ScriptedProvider;
let browser: Browser;

beforeAll(async () => {
  provider = await ScriptedProvider.start();
});

afterAll(() => provider.stop());

beforeEach(() => {
  provider.reset();
  browser = new Browser();
});

describe('with @nestjs/event-emitter', () => {
  @Injectable()
  class AuditLog {
    readonly logins: OidcEvent[] = [];
    readonly all: string[] = [];

    @OnEvent('oidc.login.succeeded')
    onLogin(event: OidcEvent): void {
      this.logins.push(event);
    }

    @OnEvent('oidc.**')
    onAny({ name }: OidcEvent): void {
      this.all.push(name);
    }

    @OnEvent('oidc.login.started')
    onStart(): void {
      throw new Error('a mistake of the application');
    }
  }

  @Module({ providers: [AuditLog], exports: [AuditLog] })
  class AuditModule {}

  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://localhost:${port}`;
    const module = await Test.createTestingModule({
      imports: [
        EventEmitterModule.forRoot({ wildcard: true }),
        OidcModule.forRootAsync({
          inject: [EventEmitter2],
          useFactory: (emitter: EventEmitter2): OidcOptions => ({
            issuer: provider.issuer,
            clientId: CLIENT_ID,
            clientSecret: CLIENT_SECRET,
            baseUrl: url,
            secret: SECRET,
            allowInsecure: true,
            onEvent: (event) => void emitter.emit(`oidc.${event.name}`, event),
          }),
        }),
        AuditModule,
      ],
      controllers: [TestController],
    }).compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(port);
  });

  afterAll(() => app.close());

  it('events reach the listeners of the application, whose mistakes change nothing', async () => {
    await browser.navigate(`${url}/auth/login`);
    await browser.fetch(`${url}/auth/logout`, { method: 'POST' });
    const { logins, all } = app.get(AuditLog);
    expect(all).toEqual(['login.started', 'login.succeeded', 'session.ended']);
    expect(logins).toEqual([{ name: 'login.succeeded', session: expect.any(String), sub: 'alice' }]);
  });
});

describe('events [LOG-01]', () => {
  let app: TestApp;

  afterEach(() => app.close());

  const named = (name: OidcEvent['name']): OidcEvent[] => app.events.filter((event) => event.name === name);
  const loginWith = (query: string) => browser.navigate(`${app.url}/auth/login?${query}`);

  it('tell of a returnTo that is not followed, and of no other', async () => {
    app = await startAppAt(provider);
    for (const query of ['', 'returnTo=', 'returnTo=/profile', 'returnTo=/auth/login']) await loginWith(query);
    expect(named('login.return_to_rejected')).toEqual([]);
    await loginWith('returnTo=https://evil.example');
    await loginWith('returnTo=//evil.example');
    expect(named('login.return_to_rejected')).toEqual(
      Array.from({ length: 2 }, () => ({ name: 'login.return_to_rejected' })),
    );
    expect(named('login.succeeded')).toHaveLength(6);
  });

  it('tell where a login came from, where the application records it', async () => {
    app = await startAppAt(provider, { options: { session: { recordDevice: true } } });
    const from = { 'user-agent': 'Mozilla/5.0 (X11)' };
    const at = (address: string) => (each: string) => each.startsWith(`${app.url}${address}`);
    const callback = await browser.navigate(`${app.url}/auth/login`, at('/auth/callback'));
    await browser.open(callback.url, from);
    await browser.open(callback.url, from);
    const origin = { address: expect.stringMatching(/^(?:::1|(?:::ffff:)?127\.0\.0\.1)$/u), agent: from['user-agent'] };
    expect(named('login.succeeded')).toEqual([
      { name: 'login.succeeded', session: expect.any(String), sub: 'alice', ...origin },
    ]);
    expect(named('login.failed')).toEqual([{ name: 'login.failed', reason: 'transaction_missing', ...origin }]);
  });

  it('tell nothing of a device otherwise', async () => {
    app = await startAppAt(provider);
    await loginWith('');
    expect(named('login.succeeded')).toEqual([{ name: 'login.succeeded', session: expect.any(String), sub: 'alice' }]);
  });
});

describe('the log', () => {
  let app: TestApp;
  const lines: string[] = [];

  beforeEach(() => {
    for (const level of ['debug', 'log', 'warn', 'error'] as const) {
      jest
        .spyOn(Logger.prototype, level)
        .mockImplementation((line: unknown) => void lines.push(`${level}: ${String(line)}`));
    }
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
  });

  it('has no line above debug while all is well: login, requests, refresh, logout', async () => {
    app = await startAppAt(provider);
    lines.length = 0;
    await browser.navigate(`${app.url}/auth/login`);
    const time = new TimeTravel();
    for (let i = 0; i < 20; i += 1) await browser.fetch(`${app.url}/profile`);
    time.forward(3700);
    expect((await browser.fetch(`${app.url}/token`)).status).toBe(200);
    time.end();
    await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect(lines.map((line) => line.split(' ', 2).join(' '))).toEqual([
      'debug: login.started',
      'debug: login.succeeded',
      'debug: refresh.succeeded',
      'debug: session.ended',
    ]);
  });

  it('has one line for an outage, however many meet it, and one for its end', async () => {
    app = await startAppAt(provider);
    await new Browser().open(`${app.url}/auth/login`);
    lines.length = 0;
    provider.script.answer = () => ({ status: 503 });
    const time = new TimeTravel();
    time.forward(86_401); // the metadata must be fetched again
    for (let i = 0; i < 5; i += 1) {
      await new Browser().open(`${app.url}/auth/login`);
      time.forward(10);
    }
    provider.reset();
    await new Browser().open(`${app.url}/auth/login`);
    await new Browser().open(`${app.url}/auth/login`);
    time.end();
    expect(lines.filter((line) => line.includes('provider.'))).toEqual([
      'warn: provider.unavailable reason=http_503',
      'log: provider.available',
    ]);
  });
});
