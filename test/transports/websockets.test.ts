import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { UseFilters } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import {
  CurrentSession,
  CurrentUser,
  OptionalAuth,
  Public,
  Roles,
  SessionService,
  TokenService,
  type Session,
} from 'nest-oidc';
import { OidcIoAdapter, OidcWsExceptionFilter, type OidcSocketOptions } from 'nest-oidc/socket.io';
import { TestClock } from 'nest-oidc/testing';
import { OidcWsAdapter } from 'nest-oidc/ws';
import { WebSocket } from 'ws';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/gate.js';
import { platforms, type PlatformName } from '../support/test-app.js';
import {
  connectIo,
  connectWs,
  resetHandshake,
  talkOn,
  upgrade,
  type Answer,
  type GatewayClient,
  type Headers,
} from './clients.js';
import { CountedStore } from './counted-store.js';
import { raise, type Stage } from '../support/stage.js';

@UseFilters(OidcWsExceptionFilter)
@WebSocketGateway()
class ChatGateway {
  connections = 0;

  constructor(private readonly tokens: TokenService) {}

  handleConnection(): void {
    this.connections += 1;
  }

  @SubscribeMessage('say')
  say(@CurrentUser('sub') from: string, @MessageBody() text: string) {
    return { event: 'said', data: { from, text } };
  }

  @SubscribeMessage('token')
  async token(@CurrentSession() session: Session) {
    return { event: 'token', data: await this.tokens.getAccessToken(session) };
  }

  @Public()
  @SubscribeMessage('open')
  open() {
    return { event: 'open', data: 'to everybody' };
  }

  @OptionalAuth()
  @SubscribeMessage('greet')
  greet(@CurrentUser('sub') sub: string | undefined) {
    return { event: 'hello', data: sub ?? 'stranger' };
  }

  @Roles('admin')
  @SubscribeMessage('rule')
  rule() {
    return { event: 'ruled', data: null };
  }
}

interface Kind {
  readonly connect: (url: string, headers: Headers) => Promise<GatewayClient>;
  readonly handshake: (url: string, headers: Headers) => Promise<Answer>;
  readonly accepted: number;
  readonly adapter: (app: INestApplication, options?: OidcSocketOptions) => OidcIoAdapter | OidcWsAdapter;
  readonly plain: (app: INestApplication) => IoAdapter | WsAdapter;
  /** What a client sees whose session has ended: it does not connect again. */
  readonly ended: unknown;
}

const io: Omit<Kind, 'handshake' | 'accepted'> = {
  connect: connectIo,
  adapter: (app, options) => new OidcIoAdapter(app, options),
  plain: (app) => new IoAdapter(app),
  ended: 'io server disconnect',
};

const kinds: Readonly<Record<string, Kind>> = {
  ws: {
    connect: connectWs,
    handshake: upgrade,
    accepted: 101,
    adapter: (app, options) => new OidcWsAdapter(app, options),
    plain: (app) => new WsAdapter(app),
    ended: { code: 4401, reason: 'login_required' },
  },
  'socket.io over WebSocket': {
    ...io,
    handshake: (url, headers) => upgrade(`${url}/socket.io/?EIO=4&transport=websocket`, headers),
    accepted: 101,
  },
  'socket.io over polling': {
    ...io,
    handshake: (url, headers) => new Browser().send(`${url}/socket.io/?EIO=4&transport=polling`, { headers }),
    accepted: 200,
  },
};

const MINUTE = 60_000;

const cases = platforms.flatMap((platform) => Object.keys(kinds).map((name) => [name, platform] as const));

describe.each(cases)('a gateway of %s on %s', (name, platform) => {
  const kind = kinds[name] as Kind;
  const clients: GatewayClient[] = [];
  let clock: TestClock;
  let store: CountedStore;
  let stage: Stage;

  async function start(options?: OidcSocketOptions, adapter = kind.adapter): Promise<void> {
    clock = new TestClock();
    store = CountedStore.on(clock);
    stage = await raise({
      platform: platform satisfies PlatformName,
      clock,
      providers: [ChatGateway],
      options: { session: { store, idleTimeout: 600 }, allowedOrigins: ['https://friend.example'] },
      prepare: (app) => app.useWebSocketAdapter(adapter(app, options)),
    });
  }

  async function connect(headers: Headers): Promise<GatewayClient> {
    const client = await kind.connect(stage.url, { origin: stage.url, ...headers });
    clients.push(client);
    return client;
  }

  const connections = (): number => stage.app.get(ChatGateway).connections;

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await stage.close();
  });

  describe('whose handshakes need a session', () => {
    beforeEach(() => start());

    it('refuses a handshake without a session with 401, before there is a socket [NST-02] [BFF-09]', async () => {
      const { status, headers, body } = await kind.handshake(stage.url, { origin: stage.url });
      expect(status).toBe(401);
      expect(headers['cache-control']).toBe('no-store');
      expect(JSON.parse(body)).toEqual({ error: 'login_required', correlationId: expect.any(String) as unknown });
      expect(connections()).toBe(0);
    });

    it.each<[string, Headers]>([
      ['another origin', { origin: 'https://evil.example' }],
      ['an opaque origin', { origin: 'null' }],
      ['another site', { 'sec-fetch-site': 'cross-site' }],
      ['another origin of the site', { 'sec-fetch-site': 'same-site' }],
    ])('refuses a handshake from %s with 403, although it is a GET [BFF-09]', async (_, from) => {
      const { cookie } = await stage.logIn();
      const { status, body } = await kind.handshake(stage.url, { cookie, ...from });
      expect(status).toBe(403);
      expect(JSON.parse(body)).toEqual({ error: 'csrf_rejected', correlationId: expect.any(String) as unknown });
      expect(connections()).toBe(0);
      expect(stage.events).toContainEqual(expect.objectContaining({ name: 'request.cross_origin' }));
    });

    it.each<[string, Headers]>([
      ['an allowed origin', { origin: 'https://friend.example' }],
      ['what is no browser', {}],
    ])('accepts a handshake from %s', async (_, from) => {
      const { cookie } = await stage.logIn();
      expect((await kind.handshake(stage.url, { cookie, ...from })).status).toBe(kind.accepted);
    });

    it('refuses a handshake with 503 while the store is away', async () => {
      const { cookie } = await stage.logIn();
      store.fail('get');
      const { status, headers, body } = await kind.handshake(stage.url, { cookie, origin: stage.url });
      expect(status).toBe(503);
      expect(headers['retry-after']).toBe('1');
      expect(JSON.parse(body)).toMatchObject({ error: 'store_unavailable' });
    });

    it('tells handlers who it is, and gives them tokens', async () => {
      const { cookie, accessToken } = await stage.logIn();
      const client = await connect({ cookie });
      expect(await client.ask('say', 'hi')).toEqual({ event: 'said', data: { from: 'alice', text: 'hi' } });
      expect(await client.ask('greet')).toEqual({ event: 'hello', data: 'alice' });
      expect(await client.ask('token')).toEqual({ event: 'token', data: accessToken });
    });

    it('keeps two users apart', async () => {
      const alice = await connect(await cookieOf('alice'));
      const bob = await connect(await cookieOf('bob'));
      expect(await alice.ask('greet')).toEqual({ event: 'hello', data: 'alice' });
      expect(await bob.ask('greet')).toEqual({ event: 'hello', data: 'bob' });
      expect(await alice.ask('greet')).toEqual({ event: 'hello', data: 'alice' });
    });

    it('tells a client what it may not do', async () => {
      const client = await connect(await cookieOf('alice'));
      expect(await client.ask('rule')).toEqual({
        event: 'exception',
        data: { status: 'error', message: 'access_denied', correlationId: expect.any(String) as unknown },
      });
    });

    it('asks the store for no message, but once in a while, which keeps the session alive', async () => {
      const client = await connect(await cookieOf('alice'));
      await client.ask('say', 'first');
      const before = store.calls.length;
      for (let message = 0; message < 20; message += 1) await client.ask('say', 'another');
      expect(store.calls.slice(before)).toEqual([]);

      // Twice the idle timeout.
      for (let minute = 0; minute < 20; minute += 1) {
        await clock.advance(MINUTE);
        expect(await client.ask('say', 'still')).toMatchObject({ event: 'said' });
      }
      expect(store.count('touch')).toBeLessThanOrEqual(20);
    });

    it('closes the socket at the end of the session’s lifetime [SES-03] [BFF-09]', async () => {
      const client = await connect(await cookieOf('alice'));
      await client.ask('say', 'hi');
      await clock.advance(10 * MINUTE);
      expect(await client.closed).toEqual(kind.ended);
    });

    it('closes the socket at the logout of its user, and that only [SES-04] [BFF-09]', async () => {
      const alice = await stage.logIn('alice');
      const client = await connect({ cookie: alice.cookie });
      const other = await connect(await cookieOf('bob'));
      const logout = await new Browser().fetch(`${stage.url}/auth/logout`, {
        method: 'POST',
        headers: alice.headers,
      });
      expect(logout.status).toBe(200);
      expect(await client.closed).toEqual(kind.ended);
      expect(await other.ask('greet')).toEqual({ event: 'hello', data: 'bob' });
    });

    it('says that the store is away, and goes on when it is back', async () => {
      const client = await connect(await cookieOf('alice'));
      await client.ask('say', 'hi');
      store.fail('get');
      await clock.advance(MINUTE);
      expect(await client.ask('say', 'hi')).toMatchObject({
        event: 'exception',
        data: { status: 'error', message: 'store_unavailable' },
      });
      expect(await client.ask('token')).toMatchObject({ event: 'exception', data: { message: 'store_unavailable' } });
      store.heal('get');
      expect(await client.ask('say', 'hi')).toMatchObject({ event: 'said' });
    });
  });

  describe('that takes visitors, too', () => {
    beforeEach(() => start({ anonymous: true }));

    it('serves them what is open, and refuses the rest [NST-02]', async () => {
      const client = await connect({});
      expect(await client.ask('open')).toEqual({ event: 'open', data: 'to everybody' });
      expect(await client.ask('greet')).toEqual({ event: 'hello', data: 'stranger' });
      const refused = {
        event: 'exception',
        data: { status: 'error', message: 'login_required', correlationId: expect.any(String) as unknown },
      };
      expect(await client.ask('say', 'hi')).toEqual(refused);
      expect(await client.ask('rule')).toEqual(refused);
    });

    it('checks the origin of users, and closes their sockets when their sessions end [BFF-09]', async () => {
      const { cookie, session } = await stage.logIn();
      expect((await kind.handshake(stage.url, { cookie, origin: 'https://evil.example' })).status).toBe(403);
      const client = await connect({ cookie });
      expect(await client.ask('say', 'hi')).toMatchObject({ event: 'said' });
      await stage.app.get(SessionService).endOne('alice', session.id);
      expect(await client.closed).toEqual(kind.ended);
    });
  });

  describe('whose adapter is not ours', () => {
    beforeEach(() => start(undefined, kind.plain as unknown as Kind['adapter']));

    it('refuses every message that is not public [NST-02]', async () => {
      const client = await connect(await cookieOf('alice'));
      expect(await client.ask('open')).toEqual({ event: 'open', data: 'to everybody' });
      for (const message of ['say', 'greet', 'rule']) {
        expect(await client.ask(message)).toMatchObject({
          event: 'exception',
          data: { status: 'error', message: 'Internal server error' },
        });
      }
    });
  });

  async function cookieOf(sub: string): Promise<Headers> {
    return { cookie: (await stage.logIn(sub)).cookie };
  }
});

const overWebSocket = cases.filter(([name]) => kinds[name]?.accepted === 101);

describe.each(overWebSocket)('the client of %s on %s that resets its connection', (name, platform) => {
  const path = name === 'ws' ? '/' : '/socket.io/?EIO=4&transport=websocket';
  const clock = new TestClock();
  let store: CountedStore;
  let stage: Stage;

  beforeEach(async () => {
    store = CountedStore.on(clock);
    stage = await raise({
      platform,
      clock,
      providers: [ChatGateway],
      options: { session: { store } },
      prepare: (app) => app.useWebSocketAdapter((kinds[name] as Kind).adapter(app)),
    });
  });

  afterEach(() => stage.close());

  const serverSocket = async (): Promise<Socket> => {
    const [socket] = (await once(stage.app.getHttpServer() as Server, 'connection')) as [Socket];
    return socket;
  };

  it.each(['a user', 'nobody'])('while the store is asked about %s harms nobody else [NST-02]', async (who) => {
    const { cookie } = await stage.logIn();
    const [asked, answered] = [gate(), gate()];
    store.before('get', async () => {
      asked.open();
      await answered.passed;
    });
    const accepted = serverSocket();
    const headers = { origin: stage.url, cookie: who === 'nobody' ? cookie.replace(/.$/u, 'A') : cookie };
    await resetHandshake(stage.url + path, headers, async () => {
      await asked.passed;
      // Without anybody who listens, an error of the socket would end the process.
      expect((await accepted).listenerCount('error')).toBeGreaterThan(0);
    });
    await eventually(async () => expect((await accepted).destroyed).toBe(true));
    answered.open();
    expect(await new Browser().send(`${stage.url}/auth/me`, {})).toMatchObject({ status: 401 });
    expect(stage.app.get(ChatGateway).connections).toBe(0);
  });

  it('and one that talks on after its refusal, and does not close, leaves no socket behind', async () => {
    const accepted = serverSocket();
    const client = await talkOn(stage.url + path);
    await eventually(async () => expect((await accepted).destroyed).toBe(true));
    client.destroy();
  });

  it('before its refusal is written harms nobody else [NST-02]', async () => {
    const accepted = serverSocket();
    await resetHandshake(stage.url + path, {}, () => accepted);
    await eventually(async () => expect((await accepted).destroyed).toBe(true));
    expect(await new Browser().send(`${stage.url}/auth/me`, {})).toMatchObject({ status: 401 });
  });
});

describe('what is particular to an adapter:', () => {
  let stage: Stage | undefined;
  afterEach(() => stage?.close());

  it('namespaces of Socket.IO share the session, and go with it', async () => {
    @WebSocketGateway({ namespace: 'news' })
    class NewsGateway {
      @SubscribeMessage('greet')
      greet(@CurrentUser('sub') sub: string) {
        return { event: 'news', data: sub };
      }
    }
    stage = await raise({
      providers: [ChatGateway, NewsGateway],
      prepare: (app) => app.useWebSocketAdapter(new OidcIoAdapter(app)),
    });
    const { cookie, session } = await stage.logIn();
    const headers = { cookie, origin: stage.url };
    const news = await connectIo(`${stage.url}/news`, headers);
    expect(await news.ask('greet')).toEqual({ event: 'news', data: 'alice' });
    await stage.app.get(SessionService).endOne('alice', session.id);
    expect(await news.closed).toBe('io server disconnect');
    await expect(connectIo(`${stage.url}/news`, headers)).rejects.toThrow();
  });

  it.each([
    ['one of its namespaces', ['40', '40/news,'], '41/news,'],
    ['all of its namespaces', ['40'], '41'],
  ])('a client of Socket.IO that has left %s is closed with its session [SES-04]', async (_, joins, leave) => {
    let [joined, left] = [0, 0];
    class Leavable {
      handleConnection(): void {
        joined += 1;
      }

      handleDisconnect(): void {
        left += 1;
      }
    }
    @WebSocketGateway()
    class HomeGateway extends Leavable {}
    @WebSocketGateway({ namespace: 'news' })
    class NewsGateway extends Leavable {}
    stage = await raise({
      providers: [HomeGateway, NewsGateway],
      prepare: (app) => app.useWebSocketAdapter(new OidcIoAdapter(app)),
    });
    const { cookie, session } = await stage.logIn();
    const url = `${stage.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
    const socket = new WebSocket(url, { headers: { cookie } });
    await once(socket, 'open');
    for (const frame of joins) socket.send(frame);
    await eventually(() => expect(joined).toBe(joins.length));
    socket.send(leave);
    await eventually(() => expect(left).toBe(1));
    await stage.app.get(SessionService).endOne('alice', session.id);
    try {
      await eventually(() => expect(socket.readyState).toBe(WebSocket.CLOSED));
    } finally {
      socket.terminate();
    }
  });

  it('Socket.IO’s recovery of a connection is refused: it asks for no session', async () => {
    @WebSocketGateway({ connectionStateRecovery: {} })
    class RecoveringGateway {}
    const raising = raise({
      providers: [RecoveringGateway],
      prepare: (app) => app.useWebSocketAdapter(new OidcIoAdapter(app)),
    });
    await expect(raising).rejects.toThrow('connectionStateRecovery');
  });

  it.each<[string, object]>([
    ['alone', {}],
    ['after a check', { verifyClient: () => true }],
    ['after an asynchronous check', { verifyClient: (_: object, done: (verified: boolean) => void) => done(true) }],
  ])('a handleProtocols of ws that throws costs its client the connection, %s', async (_, options) => {
    const handleProtocols = (): never => {
      throw new TypeError('Invalid URL');
    };
    @WebSocketGateway({ handleProtocols, ...options })
    class FailingGateway {}
    stage = await raise({
      providers: [FailingGateway],
      prepare: (app) => app.useWebSocketAdapter(new OidcWsAdapter(app)),
    });
    const { cookie } = await stage.logIn();
    const asked = upgrade(stage.url, { cookie, 'sec-websocket-protocol': 'chat' });
    await expect(asked).rejects.toThrow('socket hang up');
  });

  it.each<[string, unknown]>([
    ['synchronous', ({ req }: { req: { url: string } }) => req.url !== '/?refused'],
    [
      'asynchronous',
      ({ req }: { req: { url: string } }, done: (verified: boolean, status?: number) => void) =>
        done(req.url !== '/?refused', 401),
    ],
  ])('a gateway’s own verifyClient of ws is asked after ours: %s', async (_, verifyClient) => {
    @WebSocketGateway({ verifyClient })
    class GuardedGateway {}
    stage = await raise({
      providers: [GuardedGateway],
      prepare: (app) => app.useWebSocketAdapter(new OidcWsAdapter(app)),
    });
    const { cookie } = await stage.logIn();
    expect((await upgrade(stage.url, {})).status).toBe(401);
    expect((await upgrade(`${stage.url}/`, { cookie })).status).toBe(101);
    expect((await upgrade(`${stage.url}/?refused`, { cookie })).status).toBe(401);
  });

  it.each<[string, unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('Invalid URL');
      },
    ],
    ['rejects', async (_handshake: object, _done: object) => Promise.reject(new TypeError('Invalid URL'))],
  ])('a gateway’s own verifyClient of ws that %s is answered 500, and ends nothing else', async (_, verifyClient) => {
    @WebSocketGateway({ verifyClient })
    class FailingGateway {}
    stage = await raise({
      providers: [FailingGateway],
      prepare: (app) => app.useWebSocketAdapter(new OidcWsAdapter(app)),
    });
    const { cookie } = await stage.logIn();
    expect((await upgrade(stage.url, { cookie })).status).toBe(500);
  });

  it('a gateway without our filter tells all the same what its guards refuse', async () => {
    @WebSocketGateway()
    class BareGateway {
      @SubscribeMessage('say')
      say(): void {}

      @Roles('admin')
      @SubscribeMessage('rule')
      rule(): void {}
    }
    stage = await raise({
      providers: [BareGateway],
      prepare: (app) => app.useWebSocketAdapter(new OidcWsAdapter(app, { anonymous: true })),
    });
    const visitor = await connectWs(stage.url, {});
    expect(await visitor.ask('say')).toMatchObject({ event: 'exception', data: { message: 'login_required' } });
    const { cookie } = await stage.logIn();
    const user = await connectWs(stage.url, { cookie });
    expect(await user.ask('rule')).toMatchObject({ event: 'exception', data: { message: 'access_denied' } });
    for (const client of [visitor, user]) client.close();
  });

  it('an exception of the application’s own reaches the client as ever', async () => {
    @UseFilters(OidcWsExceptionFilter)
    @WebSocketGateway()
    class PickyGateway {
      @SubscribeMessage('say')
      say(): never {
        throw new WsException('no');
      }
    }
    stage = await raise({
      providers: [PickyGateway],
      prepare: (app) => app.useWebSocketAdapter(new OidcWsAdapter(app)),
    });
    const { cookie } = await stage.logIn();
    const client = await connectWs(stage.url, { cookie });
    expect(await client.ask('say')).toMatchObject({ event: 'exception', data: { status: 'error', message: 'no' } });
    client.close();
  });
});
