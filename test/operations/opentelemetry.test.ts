import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type HistogramMetricData,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { OpenTelemetry } from 'nest-oidc/opentelemetry';
import { LoginRequiredError, StoreUnavailableError } from '../../lib/common/errors.js';
import { sessionIdOf } from '../../lib/session/session-token.js';
import { Browser } from '../support/browser.js';
import {
  ACCESS_TOKEN,
  REFRESH_TOKEN,
  ScriptedProvider,
  startAppAt,
  type Answer,
} from '../support/scripted-provider.js';
import type { TestApp } from '../support/test-app.js';
import { CLIENT_SECRET } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

const spanExporter = new InMemorySpanExporter();
const metricExporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
// Exports when it is flushed; the interval is longer than the test.
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
const meterProvider = new MeterProvider({ readers: [reader] });

let provider: ScriptedProvider;
let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  provider = await ScriptedProvider.start();
  app = await startAppAt(provider, {
    options: { telemetry: new OpenTelemetry({ tracerProvider, meterProvider }), login: { userinfo: true } },
  });
  await new Browser().navigate(`${app.url}/auth/login`); // metadata and keys are at hand
});

afterAll(async () => {
  await app.close();
  await provider.stop();
  await meterProvider.shutdown();
  await tracerProvider.shutdown();
  context.disable();
});

beforeEach(async () => {
  await metrics();
  metricExporter.reset();
  spanExporter.reset();
  provider.reset();
  browser = new Browser();
});

afterEach(() => spanExporter.reset());

const spans = (): readonly ReadableSpan[] => spanExporter.getFinishedSpans();
const spansNamed = (name: string): readonly ReadableSpan[] => spans().filter((span) => span.name === name);

async function metrics(): Promise<readonly MetricData[]> {
  metricExporter.reset();
  await reader.forceFlush();
  return metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
}

/** Counts of events by name and reason. */
async function counts(): Promise<Record<string, unknown>> {
  const events = (await metrics()).find(({ descriptor }) => descriptor.name === 'nest_oidc.events');
  return Object.fromEntries(
    (events?.dataPoints ?? []).map(({ attributes, value }) => [
      [attributes['nest_oidc.event.name'], attributes['nest_oidc.event.reason']].filter(Boolean).join(' '),
      value,
    ]),
  );
}

async function askLater(): Promise<number> {
  const time = new TimeTravel();
  time.forward(3700);
  try {
    return (await browser.fetch(`${app.url}/token`)).status;
  } finally {
    time.end();
  }
}

const logIn = () => browser.navigate(`${app.url}/auth/login`);

describe('a login', () => {
  it('is a span with the requests to the provider in it', async () => {
    await logIn();
    const [login] = spansNamed('nest_oidc.login.callback');
    expect(login?.kind).toBe(SpanKind.INTERNAL);
    expect(login?.status.code).toBe(SpanStatusCode.UNSET);
    const requests = spansNamed('nest_oidc.provider.request');
    expect(requests.map(({ attributes }) => attributes['url.path'])).toEqual(['/token', '/userinfo']);
    for (const request of requests) {
      expect(request.parentSpanContext?.spanId).toBe(login?.spanContext().spanId);
      expect(request.kind).toBe(SpanKind.CLIENT);
    }
    expect(requests[0]?.attributes).toEqual({
      'http.request.method': 'POST',
      'server.address': 'localhost',
      'server.port': Number(new URL(provider.issuer).port),
      'url.path': '/token',
      'http.response.status_code': 200,
    });
  });

  it('that fails says why, by its code alone', async () => {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, nonce: 'another' } });
    await logIn();
    const [login] = spansNamed('nest_oidc.login.callback');
    expect(login?.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(login?.attributes['error.type']).toEqual(expect.stringMatching(/^[a-z_]+$/u));
    expect(login?.events).toEqual([]);
  });

  it('at a provider that fails has the status of its answer', async () => {
    provider.script.answer = ({ path }): Answer | undefined => (path === '/token' ? { status: 503 } : undefined);
    await logIn();
    const [request] = spansNamed('nest_oidc.provider.request');
    expect(request?.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': '503' });
    expect(request?.status.code).toBe(SpanStatusCode.ERROR);
  });

  it('at a provider that hangs up has the code of the network’s trouble', async () => {
    provider.script.answer = ({ path }) => (path === '/token' ? 'drop' : undefined);
    await logIn();
    const [request] = spansNamed('nest_oidc.provider.request');
    expect(request?.attributes['error.type']).toEqual(expect.stringMatching(/^[A-Z_]+$/u));
    expect(request?.attributes).not.toHaveProperty(['http.response.status_code']);
  });
});

describe('a refresh', () => {
  it('is a span that tells what became of it', async () => {
    await logIn();
    spanExporter.reset();
    expect(await askLater()).toBe(200);
    const [refresh] = spansNamed('nest_oidc.refresh');
    expect(refresh?.attributes).toEqual({ 'nest_oidc.refresh.outcome': 'usable' });
    const [request] = spansNamed('nest_oidc.provider.request');
    expect(request?.parentSpanContext?.spanId).toBe(refresh?.spanContext().spanId);
  });

  it.each([
    ['refused', { status: 400, body: { error: 'invalid_grant' } }, { 'nest_oidc.refresh.outcome': 'ended' }],
    ['not answered well', { status: 503 }, { 'nest_oidc.refresh.outcome': 'unavailable', 'error.type': 'http_503' }],
  ])('that is %s tells so', async (_what, answer: Answer, attributes) => {
    await logIn();
    spanExporter.reset();
    provider.script.answer = ({ path }): Answer | undefined => (path === '/token' ? answer : undefined);
    await askLater();
    expect(spansNamed('nest_oidc.refresh').map((span) => span.attributes)).toEqual([attributes]);
  });
});

describe('an operation', () => {
  const measured = new OpenTelemetry({ tracerProvider, meterProvider });

  it.each([
    ['its code', new StoreUnavailableError(undefined), 'store_unavailable'],
    ['its detail', new LoginRequiredError('x', { detail: 'session_unreadable' }), 'session_unreadable'],
    ['its class’ name', new TypeError('with a secret in it'), 'TypeError'],
    ['no name', 'a text with a secret in it', 'unknown'],
  ])(
    'that fails is told of by what there is of its error, %s, and throws what it threw [LOG-02]',
    async (_what, error, type) => {
      await expect(measured.measure('refresh', {}, () => Promise.reject(error as Error))).rejects.toBe(error);
      const [span] = spansNamed('nest_oidc.refresh');
      expect(span?.attributes).toEqual({ 'error.type': type });
      expect(span?.status).toEqual({ code: SpanStatusCode.ERROR });
      expect(JSON.stringify([span?.attributes, span?.events, await metrics()])).not.toContain('secret');
    },
  );
});

it('a request that needs neither has no span and no count', async () => {
  await logIn();
  await metrics();
  spanExporter.reset();
  for (let i = 0; i < 5; i += 1) expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
  expect(spans()).toEqual([]);
  expect(await metrics()).toEqual([]);
});

describe('metrics', () => {
  it('count events by name and reason', async () => {
    await logIn();
    await browser.fetch(`${app.url}/notes`, { method: 'POST', headers: { origin: 'https://evil.example' } });
    await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect(await counts()).toEqual({
      'login.started': 1,
      'login.succeeded': 1,
      'request.cross_origin origin': 1,
      'request.failed origin': 1,
      'session.ended logout': 1,
    });
  });

  it('measure durations in seconds', async () => {
    await logIn();
    await askLater();
    const histograms = (await metrics()).filter(
      (metric): metric is HistogramMetricData => metric.descriptor.name !== 'nest_oidc.events',
    );
    const measured = histograms.map(({ descriptor: { name, unit }, dataPoints }) => ({
      name,
      unit,
      count: dataPoints.reduce((sum, { value }) => sum + value.count, 0),
    }));
    expect(measured.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'nest_oidc.login.callback.duration', unit: 's', count: 1 },
      // Tokens and UserInfo of the login; tokens of the refresh, and keys, which are too old an hour later.
      { name: 'nest_oidc.provider.request.duration', unit: 's', count: 4 },
      { name: 'nest_oidc.refresh.duration', unit: 's', count: 1 },
    ]);
  });
});

it('nothing that is measured holds a token, a code, a secret, or who the user is [LOG-02]', async () => {
  await logIn();
  const cookie = browser.cookies.get('sid') ?? '';
  await askLater();
  await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
  const told = JSON.stringify([
    spans().map(({ name, attributes, events, status, links }) => ({ name, attributes, events, status, links })),
    await metrics(),
  ]);
  const codes = [...provider.codes.keys()];
  const secrets = [ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET, cookie, sessionIdOf(cookie), 'alice', ...codes];
  expect(told).toContain('nest_oidc.refresh');
  expect(secrets.filter((secret) => told.includes(secret))).toEqual([]);
});

it('without an SDK everything works, and nothing is measured', async () => {
  const plain = await startAppAt(provider, { options: { telemetry: new OpenTelemetry() } });
  try {
    await browser.navigate(`${plain.url}/auth/login`);
    expect((await browser.fetch(`${plain.url}/profile`)).status).toBe(200);
  } finally {
    await plain.close();
  }
  expect(spans()).toEqual([]);
});

it('something else in the place of telemetry stops the start', async () => {
  const started = startAppAt(provider, { options: { telemetry: {} as never } });
  await expect(started).rejects.toThrow(/telemetry: must be a Telemetry/u);
});
