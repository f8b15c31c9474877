import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Sse, type MessageEvent } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { CurrentSession, CurrentUser, SessionWatch, type Session } from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { OidcIoAdapter } from 'nest-oidc/socket.io';
import { TestClock } from 'nest-oidc/testing';
import { OidcWsAdapter } from 'nest-oidc/ws';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { createClient } from 'redis';
import { NEVER, takeUntil, type Observable } from 'rxjs';
import { Browser } from '../support/browser.js';
import { logoutToken } from '../support/logout-token.js';
import { RedisServer } from '../support/redis-server.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { connectIo, connectWs } from './clients.js';
import { raise, type Stage, type StageOptions } from '../support/stage.js';

@WebSocketGateway()
class GreetingGateway {
  @SubscribeMessage('greet')
  greet(@CurrentUser('sub') sub: string) {
    return { event: 'hello', data: sub };
  }
}

@Controller()
class SilenceController {
  constructor(private readonly watch: SessionWatch) {}

  @Sse('silence')
  silence(@CurrentSession() session: Session): Observable<MessageEvent> {
    return NEVER.pipe(takeUntil(this.watch.ended(session)));
  }
}

/**
 * The browser connects to one process, the provider tells another. The clocks of both stand still: whatever is found out,
 * is found out because the store tells, and not by looking again after a while.
 */
describe('a session that is ended by back-channel logout on another process', () => {
  let redis: RedisServer;
  let provider: ScriptedProvider;
  const disconnects: (() => void)[] = [];
  const stages: Stage[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    provider = await ScriptedProvider.start();
  });
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.close();
    for (const disconnect of disconnects.splice(0)) disconnect();
  });
  afterAll(async () => {
    await provider.stop();
    await redis.dispose();
  });

  async function process(options: StageOptions): Promise<Stage> {
    const client = createClient({ url: redis.url });
    disconnects.push(() => client.destroy());
    await client.connect();
    const store = new RedisSessionStore(client);
    const stage = await raise({
      clock: new TestClock(),
      issuer: provider.issuer,
      options: { session: { store } },
      ...options,
    });
    stages.push(stage);
    return stage;
  }

  async function endAt(stage: Stage): Promise<void> {
    const answer = await new Browser().send(`${stage.url}/auth/backchannel-logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: logoutToken(provider) }).toString(),
    });
    expect(answer.status).toBe(200);
  }

  it.each([
    ['Socket.IO', 'express', connectIo, OidcIoAdapter, 'io server disconnect'],
    ['ws', 'fastify', connectWs, OidcWsAdapter, { code: 4401, reason: 'login_required' }],
  ] as const)('closes its socket of %s here [BCL-08] [BFF-09]', async (_, platform, connect, Adapter, ended) => {
    const here = await process({
      platform,
      providers: [GreetingGateway],
      prepare: (app) => app.useWebSocketAdapter(new Adapter(app)),
    });
    const there = await process({});
    const { cookie } = await here.logIn();
    const client = await connect(here.url, { cookie, origin: here.url });
    expect(await client.ask('greet')).toEqual({ event: 'hello', data: 'alice' });
    await endAt(there);
    expect(await client.closed).toEqual(ended);
  });

  it('ends its event stream here [BCL-08]', async () => {
    const here = await process({ controllers: [SilenceController] });
    const there = await process({});
    const { headers } = await here.logIn();
    const [stream] = (await once(request(`${here.url}/silence`, { headers }).end(), 'response')) as [IncomingMessage];
    await endAt(there);
    await stream.toArray();
    expect(stream.readableEnded).toBe(true);
  });
});
