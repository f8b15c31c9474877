import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Sse, type MessageEvent } from '@nestjs/common';
import { CurrentSession, SessionService, SessionWatch, type Session } from 'nest-oidc';
import { TestClock, type TestLogin } from 'nest-oidc/testing';
import { EventEmitter, once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { fromEvent, map, takeUntil, type Observable } from 'rxjs';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { platforms } from '../support/test-app.js';
import { raise, type Stage } from '../support/stage.js';

const news = new EventEmitter();

@Controller()
class NewsController {
  constructor(private readonly watch: SessionWatch) {}

  @Sse('news')
  news(@CurrentSession() session: Session): Observable<MessageEvent> {
    return fromEvent(news, 'news').pipe(
      map((data) => ({ data: `${session.sub}: ${String(data)}` })),
      takeUntil(this.watch.ended(session)),
    );
  }
}

describe.each(platforms)('server-sent events on %s', (platform) => {
  let stage: Stage;
  afterEach(() => stage.close());

  async function start(clock?: TestClock): Promise<TestLogin> {
    stage = await raise({
      platform,
      controllers: [NewsController],
      options: { session: { idleTimeout: 600 } },
      ...(clock && { clock }),
    });
    return stage.logIn();
  }

  async function listen({ headers }: TestLogin): Promise<IncomingMessage> {
    const outgoing = request(`${stage.url}/news`, { headers: { accept: 'text/event-stream', ...headers } }).end();
    const [stream] = (await once(outgoing, 'response')) as [IncomingMessage];
    await eventually(() => expect(news.listenerCount('news')).toBe(1));
    return stream.setEncoding('utf8');
  }

  it('come to users only: others get 401, not a redirect [NST-02]', async () => {
    await start();
    const answer = await new Browser().send(`${stage.url}/news`, { headers: { accept: 'text/event-stream' } });
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ error: 'login_required' });
    expect(news.listenerCount('news')).toBe(0);
  });

  it('end with the session, wherever it was ended [SES-04]', async () => {
    const login = await start();
    const stream = await listen(login);
    const text = stream.toArray();
    news.emit('news', 'rain');
    await stage.app.get(SessionService).endOne('alice', login.session.id);
    expect((await text).join('')).toContain('data: alice: rain');
    expect(news.listenerCount('news')).toBe(0);
  });

  it('end with the lifetime of the session [SES-03]', async () => {
    const clock = new TestClock();
    const text = (await listen(await start(clock))).toArray();
    await clock.advance(600_000);
    await text;
    expect(news.listenerCount('news')).toBe(0);
  });

  it('let go of the session when the browser goes', async () => {
    const clock = new TestClock();
    const stream = await listen(await start(clock));
    const watching = clock.pending;
    stream.destroy();
    await eventually(() => expect(news.listenerCount('news')).toBe(0));
    expect(clock.pending).toBe(watching - 1);
  });
});
