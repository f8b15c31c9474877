import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { EventEmitter, on, once } from 'node:events';
import { UseGuards, type DynamicModule } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Args, GraphQLModule, Int, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { createClient } from 'graphql-ws';
import {
  AuthGuard,
  CurrentSession,
  CurrentUser,
  OptionalAuth,
  Public,
  Roles,
  SessionService,
  SkipOriginCheck,
  TokenService,
  type Claims,
  type Session,
} from 'nest-oidc';
import { loginAs, TestClock } from 'nest-oidc/testing';
import { WebSocket, type ClientOptions } from 'ws';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { platforms, type PlatformName } from '../support/test-app.js';
import type { Headers } from './clients.js';
import { CountedStore } from './counted-store.js';
import { raise, type Stage } from '../support/stage.js';

const ticks = new EventEmitter();

@Resolver()
class NotesResolver {
  secretsTold = 0;

  constructor(private readonly tokens: TokenService) {}

  @Query(() => String)
  me(@CurrentUser() user: Claims, @CurrentSession() session: Session): string {
    return `${user.sub} ${session.sub}`;
  }

  @Query(() => String)
  async accessToken(@CurrentSession() session: Session): Promise<string> {
    return this.tokens.getAccessToken(session);
  }

  @Public()
  @Query(() => String)
  motto(@CurrentUser('sub') sub: string | undefined): string {
    return `for ${sub ?? 'all'}`;
  }

  @OptionalAuth()
  @Query(() => String)
  greeting(@CurrentUser('sub') sub: string | undefined): string {
    return `hello ${sub ?? 'stranger'}`;
  }

  @Roles('admin')
  @Query(() => String)
  secrets(): string {
    this.secretsTold += 1;
    return 'none';
  }

  @UseGuards(AuthGuard)
  @SkipOriginCheck()
  @Mutation(() => String)
  hook(): string {
    return 'from anywhere';
  }

  @Roles('admin')
  @Mutation(() => String)
  tellSecrets(): string {
    return this.secrets();
  }

  @Mutation(() => String)
  write(@Args('text') text: string, @CurrentUser('sub') sub: string): string {
    return `${sub}: ${text}`;
  }

  @Subscription(() => Int, { resolve: ([value]: [number]) => value })
  ticks() {
    return on(ticks, 'tick');
  }

  @OptionalAuth()
  @Subscription(() => String, { resolve: ([value]: [string]) => value })
  news() {
    return on(ticks, 'news');
  }

  @Subscription(() => String, { resolve: ([value]: [string]) => value })
  whispers(@CurrentUser('sub') sub: string) {
    return on(ticks, sub);
  }
}

interface Answered {
  readonly status: number;
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: Readonly<Record<string, unknown>>;
  }[];
}

const apollo = (config: Partial<ApolloDriverConfig> = {}): DynamicModule =>
  GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    graphiql: false,
    subscriptions: { 'graphql-ws': true },
    ...config,
  });

const mercurius = (config: Partial<MercuriusDriverConfig> = {}): DynamicModule =>
  GraphQLModule.forRoot<MercuriusDriverConfig>({
    driver: MercuriusDriver,
    autoSchemaFile: true,
    subscription: true,
    ...config,
  });

const servers: readonly (readonly [string, PlatformName, () => DynamicModule])[] = [
  ['Apollo', 'express', () => apollo()],
  ['Apollo', 'fastify', () => apollo()],
  ['Mercurius', 'fastify', () => mercurius()],
];

async function ask(url: string, query: string, headers: Headers): Promise<Answered> {
  const { status, ...answer } = await new Browser().send(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  expect(answer.location).toBeUndefined();
  expect(answer.setCookies).toEqual([]);
  return { status, ...answer.json() };
}

const codeOf = ({ errors = [] }: Answered): unknown => errors.map(({ extensions }) => extensions['code']);

describe.each(servers)('GraphQL by %s on %s', (name, platform, graphql) => {
  let clock: TestClock;
  let store: CountedStore;
  let stage: Stage;

  beforeAll(async () => {
    clock = new TestClock();
    store = CountedStore.on(clock);
    stage = await raise({
      platform,
      clock,
      imports: [graphql()],
      providers: [NotesResolver],
      options: { session: { store } },
    });
  });
  afterAll(() => stage.close());

  const asked = (query: string, headers: Headers = {}): Promise<Answered> => ask(stage.url, query, headers);

  it('tells resolvers who it is, and gives them tokens', async () => {
    const { cookie, accessToken } = await stage.logIn();
    expect((await asked('{ me accessToken greeting }', { cookie, origin: stage.url })).data).toEqual({
      me: 'alice alice',
      accessToken,
      greeting: 'hello alice',
    });
  });

  it('reads the session once for all the fields of a query', async () => {
    const { cookie } = await stage.logIn();
    const before = store.count('get');
    await asked('{ a: me b: me c: greeting d: accessToken }', { cookie });
    // Once for the request; the access token is read when a handler asks for it.
    expect(store.count('get') - before).toBe(2);
  });

  it('answers UNAUTHENTICATED without a session, never a redirect [NST-02]', async () => {
    const answer = await asked('{ me }', { accept: 'text/html, application/json' });
    expect(answer.data).toBeNull();
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors?.[0]).toMatchObject({
      message: 'login_required',
      extensions: { code: 'UNAUTHENTICATED', error: 'login_required', correlationId: expect.any(String) as unknown },
    });
  });

  it('serves what is open to everybody', async () => {
    expect((await asked('{ motto greeting }')).data).toEqual({ motto: 'for all', greeting: 'hello stranger' });
  });

  it('answers FORBIDDEN to a mutation from another origin, and lets our own pass [BFF-02]', async () => {
    const { cookie } = await stage.logIn();
    const mutation = 'mutation { write(text: "hi") }';
    const refused = await asked(mutation, { cookie, origin: 'https://evil.example' });
    expect(codeOf(refused)).toEqual(['FORBIDDEN']);
    expect(refused.errors?.[0]?.message).toBe('csrf_rejected');
    expect((await asked(mutation, { cookie, origin: stage.url })).data).toEqual({ write: 'alice: hi' });
  });

  it('answers FORBIDDEN to a user who lacks a role', async () => {
    const { cookie } = await stage.logIn();
    const answer = await asked('{ secrets }', { cookie, origin: stage.url });
    expect(codeOf(answer)).toEqual(['FORBIDDEN']);
    expect(answer.errors?.[0]?.message).toBe('access_denied');
  });

  it('answers our code while the store is away, and does not say why [ERR-01]', async () => {
    const { cookie } = await stage.logIn();
    store.fail('get');
    const answer = await asked('{ me }', { cookie, origin: stage.url });
    store.heal('get');
    expect(codeOf(answer)).toEqual(['store_unavailable']);
    expect(JSON.stringify(answer)).not.toContain('ECONNRESET');
    expect(stage.events).toContainEqual(
      expect.objectContaining({
        name: 'request.unavailable',
        correlationId: answer.errors?.[0]?.extensions['correlationId'],
      }),
    );
  });

  it('takes no request for a WebSocket that only says so in a header, and holds on to none', async () => {
    const { cookie } = await stage.logIn();
    const timers = clock.pending;
    const target = `${stage.url}/graphql?query=%7B%20me%20%7D`;
    // Without `Connection: Upgrade` it is a request like any other (RFC 9110 §7.8).
    const headers = { cookie, connection: 'keep-alive', upgrade: 'websocket', 'apollo-require-preflight': 'true' };
    const answer = await new Browser().send(target, { headers });
    expect(answer.json()).toEqual({ data: { me: 'alice alice' } });
    expect(clock.pending).toBe(timers);
  });

  describe('in subscriptions', () => {
    const subscriptions = (headers: Headers) =>
      createClient({
        url: `${stage.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: withHeaders(headers),
        retryAttempts: 0,
      });

    /** What comes, and how it ends. */
    function subscribe(query: string, headers: Headers) {
      const client = subscriptions(headers);
      const received: unknown[] = [];
      const closes: unknown[] = [];
      client.on('closed', (event) => closes.push((event as { readonly code: number }).code));
      const done = new Promise<unknown>((resolve) => {
        client.subscribe(
          { query },
          {
            next: (value) => received.push(value),
            error: (error) => resolve(received.push(error)),
            complete: () => resolve('complete'),
          },
        );
      });
      return { received, closes, done, dispose: () => client.dispose() };
    }

    it('sends to users, and lets go of their sessions with the sockets', async () => {
      const { cookie } = await stage.logIn();
      const timers = clock.pending;
      const subscription = subscribe('subscription { whispers }', { cookie, origin: stage.url });
      await eventually(() => expect(ticks.listenerCount('alice')).toBe(1));
      ticks.emit('alice', 'psst');
      await eventually(() => expect(subscription.received).toEqual([{ data: { whispers: 'psst' } }]));
      await subscription.dispose();
      await eventually(() => expect(ticks.listenerCount('alice')).toBe(0));
      await eventually(() => expect(clock.pending).toBe(timers));
    });

    it.each<[string, string, (cookie: string) => Headers]>([
      ['a visitor', 'login_required', () => ({})],
      ['a page of another origin', 'csrf_rejected', (cookie) => ({ cookie, origin: 'https://evil.example' })],
    ])('refuses %s [NST-02] [BFF-09]', async (_, message, headersOf) => {
      const { cookie } = await stage.logIn();
      const subscription = subscribe('subscription { ticks }', headersOf(cookie));
      await eventually(() => expect(JSON.stringify(subscription.received)).toContain(message));
      expect(ticks.listenerCount('tick')).toBe(0);
      await subscription.dispose();
    });

    it('refuses visitors what is for users, also after what is for both [NST-02]', async () => {
      const client = subscriptions({});
      const listen = (query: string): unknown[] => {
        const received: unknown[] = [];
        client.subscribe(
          { query },
          {
            next: (value) => received.push(value),
            error: (error) => received.push(error),
            complete: () => received.push('complete'),
          },
        );
        return received;
      };
      listen('subscription { news }');
      const atOnce = listen('subscription { ticks }');
      await eventually(() => expect(ticks.listenerCount('news')).toBe(1));
      const later = listen('subscription { ticks }');
      for (const refused of [atOnce, later]) {
        await eventually(() => expect(JSON.stringify(refused)).toContain('login_required'));
      }
      expect(ticks.listenerCount('tick')).toBe(0);
      await client.dispose();
      await eventually(() => expect(ticks.listenerCount('news')).toBe(0));
    });

    it('knows a user again whom the store did not tell of at first', async () => {
      const { cookie } = await stage.logIn();
      const client = subscriptions({ cookie, origin: stage.url });
      const received: unknown[] = [];
      const sink = {
        next: (value: unknown) => received.push(value),
        error: () => undefined,
        complete: () => undefined,
      };
      store.fail('get');
      client.subscribe({ query: 'subscription { news }' }, sink);
      await eventually(() => expect(ticks.listenerCount('news')).toBe(1));
      store.heal('get');
      client.subscribe({ query: 'subscription { whispers }' }, sink);
      await eventually(() => expect(ticks.listenerCount('alice')).toBe(1));
      ticks.emit('alice', 'psst');
      await eventually(() => expect(received).toEqual([{ data: { whispers: 'psst' } }]));
      await client.dispose();
      await eventually(() => expect(ticks.listenerCount('alice')).toBe(0));
    });

    it('closes the socket when the session ends [SES-04] [BFF-09]', async () => {
      const { cookie, session } = await stage.logIn();
      const subscription = subscribe('subscription { ticks }', { cookie, origin: stage.url });
      await eventually(() => expect(ticks.listenerCount('tick')).toBe(1));
      await stage.app.get(SessionService).endOne('alice', session.id);
      await subscription.done;
      expect(subscription.closes).toEqual([name === 'Apollo' ? 4401 : 1006]);
      await eventually(() => expect(ticks.listenerCount('tick')).toBe(0));
      await subscription.dispose();
    });
  });
});

describe.each(platforms)('GraphQL by Apollo on %s without a global guard', (platform) => {
  let stage: Stage;
  let socket: WebSocket | undefined;

  afterEach(async () => {
    socket?.terminate();
    await stage.close();
  });

  const askFor = (id: string): void =>
    socket?.send(JSON.stringify({ id, type: 'subscribe', payload: { query: '{ secrets }' } }));

  it('judges each field by the rules of its own [BFF-02]', async () => {
    stage = await raise({ platform, imports: [apollo()], providers: [NotesResolver], globalGuard: false });
    const { cookie } = await loginAs(stage.app, { sub: 'alice', roles: ['admin'] });
    const evil = { cookie, origin: 'https://evil.example' };
    const answer = await ask(stage.url, 'mutation { hook tellSecrets }', evil);
    expect(answer.errors?.map(({ message }) => message)).toEqual(['csrf_rejected']);
    expect(stage.app.get(NotesResolver).secretsTold).toBe(0);
  });

  it('judges each message of a socket by the session as it is then [NST-02] [SES-04]', async () => {
    stage = await raise({ platform, imports: [apollo()], providers: [NotesResolver], globalGuard: false });
    const { cookie, session } = await loginAs(stage.app, { sub: 'alice', roles: ['admin'] });
    const url = `${stage.url.replace('http', 'ws')}/graphql`;
    socket = new WebSocket(url, 'graphql-transport-ws', { headers: { cookie, origin: stage.url } });
    const closed = once(socket, 'close');
    const resolver = stage.app.get(NotesResolver);
    await once(socket, 'open');
    const acknowledged = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await acknowledged;
    askFor('before');
    await eventually(() => expect(resolver.secretsTold).toBe(1));
    await stage.app.get(SessionService).endOne('alice', session.id);
    // The server's close is on its way. Who does not heed it is heard for a while.
    askFor('after');
    await closed;
    expect(resolver.secretsTold).toBe(1);
  });
});

describe('GraphQL without the request in its context', () => {
  it('is refused [NST-02]', async () => {
    const context = (): object => ({ req: {} });
    const stage = await raise({ imports: [apollo({ context })], providers: [NotesResolver] });
    const { cookie } = await stage.logIn();
    const answer = await ask(stage.url, '{ me }', { cookie });
    expect(codeOf(answer)).toEqual(['FORBIDDEN']);
    expect(answer.errors?.[0]?.message).toBe('context_unsupported');
    await stage.close();
  });
});

describe('the HTTP status of a refused query', () => {
  it('is Apollo’s 200, or ours where Apollo lets resolvers have a say', async () => {
    for (const [preserveHttpStatusForExecutionErrors, status] of [
      [true, 200],
      [false, 401],
    ] as const) {
      const stage = await raise({
        imports: [apollo({ preserveHttpStatusForExecutionErrors })],
        providers: [NotesResolver],
      });
      expect((await ask(stage.url, '{ me }', {})).status).toBe(status);
      await stage.close();
    }
  });

  it('is ours with Mercurius', async () => {
    const stage = await raise({ platform: 'fastify', imports: [mercurius()], providers: [NotesResolver] });
    expect((await ask(stage.url, '{ me }', {})).status).toBe(401);
    await stage.close();
  });
});

/** Browsers send these by themselves. */
function withHeaders(headers: Headers): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string, protocols: string, options: ClientOptions) {
      super(url, protocols, { ...options, headers });
    }
  } as unknown as typeof WebSocket;
}
