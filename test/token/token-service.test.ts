import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LoginRequiredError } from '../../lib/common/errors.js';
import type { Session } from '../../lib/session/session.js';
import { MINUTE } from '../session/given.js';
import { loggedIn } from './world.js';

describe('an access token of a minimum validity', () => {
  it('is the one there is when that lives long enough', async () => {
    const world = await loggedIn();
    expect(await world.tokens.getAccessToken(world.request(), { minValidity: 600 })).toBe('AT-1');
    expect(world.provider.presented).toEqual([]);
  });

  it('is refreshed first when it does not, and the call waits for that', async () => {
    const world = await loggedIn();
    await world.clock.advance(52 * MINUTE);
    expect(await world.tokens.getAccessToken(world.request(), { minValidity: 600 })).toBe('AT-2');
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('is not refreshed on every call when no token lives that long', async () => {
    const world = await loggedIn();
    for (let call = 0; call < 3; call += 1) {
      await world.tokens.getAccessToken(world.request(), { minValidity: 86_400 });
    }
    expect(world.provider.presented).toEqual([]);
  });

  it('is the one there is while the provider cannot refresh it', async () => {
    const world = await loggedIn();
    await world.clock.advance(52 * MINUTE);
    world.provider.script.push({ outcome: 'transient', reason: 'http_500', retryAfterMs: undefined });
    expect(await world.tokens.getAccessToken(world.request(), { minValidity: 600 })).toBe('AT-1');
  });
});

describe('a forced refresh', () => {
  it('replaces a token that looks good', async () => {
    const world = await loggedIn();
    await world.clock.advance(MINUTE);
    expect(await world.tokens.getAccessToken(world.request(), { forceRefresh: true })).toBe('AT-2');
  });

  it('does nothing to a token that was only just issued', async () => {
    const world = await loggedIn();
    expect(await world.tokens.getAccessToken(world.request(), { forceRefresh: true })).toBe('AT-1');
  });

  it('is one for all who ask at once, in both of two processes [REF-01]', async () => {
    const world = await loggedIn();
    const other = world.another();
    await world.clock.advance(MINUTE);
    const calls = [world, world, other, other].map(({ tokens, request }) =>
      tokens.getAccessToken(request(), { forceRefresh: true }),
    );
    await world.clock.advance(1000);
    expect(await Promise.all(calls)).toEqual(['AT-2', 'AT-2', 'AT-2', 'AT-2']);
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('adopts what somebody else has refreshed since the session was read', async () => {
    const world = await loggedIn();
    const request = world.request();
    await world.sessions.load(request);
    await world.clock.advance(MINUTE);
    await world.another().tokens.getAccessToken(world.request(), { forceRefresh: true });
    expect(await world.tokens.getAccessToken(request, { forceRefresh: true })).toBe('AT-2');
    expect(world.provider.presented).toEqual(['RT-1']);
  });
});

describe('outside of a request', () => {
  it('a session that was held gives its tokens as they are now', async () => {
    const world = await loggedIn();
    const session = (await world.sessions.find(world.request())) as Session;
    await world.clock.advance(MINUTE);
    await world.tokens.getAccessToken(world.request(), { forceRefresh: true });
    expect(await world.tokens.getAccessToken(session)).toBe('AT-2');
  });

  it('a session that has ended gives none', async () => {
    const world = await loggedIn();
    const session = (await world.sessions.find(world.request())) as Session;
    await world.sessions.end(world.request());
    await expect(world.tokens.getAccessToken(session)).rejects.toThrow(LoginRequiredError);
  });

  it('an object that only looks like a session is refused', async () => {
    const world = await loggedIn();
    const session = (await world.sessions.find(world.request())) as Session;
    await expect(world.tokens.getAccessToken({ ...session })).rejects.toThrow(TypeError);
  });

  it('a session shows nothing that opens it', async () => {
    const world = await loggedIn();
    const session = (await world.sessions.find(world.request())) as Session;
    expect(JSON.stringify(session)).not.toContain(world.loaded.token);
    expect(Object.values(session)).not.toContain(world.loaded.token);
  });
});

describe('the token set', () => {
  it('has everything but the refresh token', async () => {
    const world = await loggedIn();
    const set = await world.tokens.getTokenSet(world.request());
    expect(set).toMatchObject({ accessToken: 'AT-1', expiresAt: expect.any(Number) });
    expect(JSON.stringify(set)).not.toContain('RT-1');
  });
});

describe('fetch with the token of the user', () => {
  let api: Server;
  let url: string;
  let accepted: string;
  const calls: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];

  beforeEach(async () => {
    calls.length = 0;
    accepted = 'AT-1';
    api = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        calls.push({ headers: request.headers, body });
        response.writeHead(request.headers.authorization === `Bearer ${accepted}` ? 200 : 401).end('answer');
      });
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(api.address() as AddressInfo).port}/orders`;
  });

  afterEach(async () => {
    api.closeAllConnections();
    await new Promise((resolve) => api.close(resolve));
  });

  it('sends it, with the headers of the caller', async () => {
    const world = await loggedIn();
    const response = await world.tokens.fetch(world.request(), url, { headers: { 'x-trace': '7' } });
    expect([response.status, await response.text()]).toEqual([200, 'answer']);
    expect(calls[0]?.headers).toMatchObject({ authorization: 'Bearer AT-1', 'x-trace': '7' });
  });

  it('refreshes once and repeats the call once when the API says 401', async () => {
    const world = await loggedIn();
    await world.clock.advance(MINUTE);
    accepted = 'AT-2';
    const response = await world.tokens.fetch(world.request(), url, { method: 'POST', body: 'milk' });
    expect(response.status).toBe(200);
    expect(calls.map(({ body }) => body)).toEqual(['milk', 'milk']);
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('hands on the 401 of an API that refuses the new token as well', async () => {
    const world = await loggedIn();
    await world.clock.advance(MINUTE);
    accepted = 'another';
    expect((await world.tokens.fetch(world.request(), url)).status).toBe(401);
    expect(calls).toHaveLength(2);
  });

  it('does not repeat a call whose token is only just issued', async () => {
    const world = await loggedIn();
    accepted = 'AT-2';
    expect((await world.tokens.fetch(world.request(), url)).status).toBe(401);
    expect(calls).toHaveLength(1);
    expect(world.provider.presented).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['a stream', () => new Blob(['milk']).stream()],
    ['a stream of Node’s', () => Readable.from([Buffer.from('milk')])],
    [
      'a generator',
      async function* milk() {
        yield Buffer.from('milk');
      },
    ],
  ])('does not repeat a call whose body is %s: it is used up', async (_, body) => {
    const world = await loggedIn();
    accepted = 'AT-2';
    await world.clock.advance(MINUTE);
    const init = { method: 'PUT', body: body(), duplex: 'half' } as RequestInit;
    const response = await world.tokens.fetch(world.request(), url, init);
    expect([response.status, await response.text()]).toEqual([401, 'answer']);
    expect(calls.map(({ body: sent }) => sent)).toEqual(['milk']);
    expect(world.provider.presented).toEqual([]);
  });

  it.each<[string, () => RequestInit['body']]>([
    ['bytes', () => new TextEncoder().encode('a=milk')],
    ['a buffer', () => Uint8Array.from(Buffer.from('a=milk')).buffer],
    ['a Blob', () => new Blob(['a=milk'])],
    ['a form', () => new URLSearchParams({ a: 'milk' })],
  ])('repeats a call whose body is %s', async (_, body) => {
    const world = await loggedIn();
    accepted = 'AT-2';
    await world.clock.advance(MINUTE);
    const init = { method: 'PUT', body: body() } as RequestInit;
    expect((await world.tokens.fetch(world.request(), url, init)).status).toBe(200);
    expect(calls.map(({ body: sent }) => sent)).toEqual(['a=milk', 'a=milk']);
  });
});
