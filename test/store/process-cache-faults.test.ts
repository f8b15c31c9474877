import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'redis';
import { RedisSessionStore } from '../../lib/store/redis-session-store.js';
import type { StoredSession } from '../../lib/store/session-store.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { connect, SILENCE_MS, Stage, type Client } from './process-cache-stage.js';
import { RedisProxy, type ProxiedConnection } from './redis-proxy.js';

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start({ persistent: true });
});

afterAll(() => server.dispose());

/** After the silence that is allowed, and the word of Redis that a request waits for then. */
const PATIENCE_MS = 100;
/** When a connection over which nothing comes is given up. */
const LOST_MS = 2_001;

describe('The process cache, through a connection that fails', () => {
  let proxy: RedisProxy;
  let stage: Stage;

  beforeEach(async () => {
    proxy = await RedisProxy.start(server.port);
    stage = await Stage.open(server, { url: proxy.url });
  });

  afterEach(async () => {
    await stage.close();
    proxy.dispose();
  });

  /** The application's connection is opened first, then that of the cache. */
  const tracked = (): ProxiedConnection => proxy.connections.at(-1) as ProxiedConnection;

  it('does not keep what changed while it was read', async () => {
    await stage.caching();
    await stage.peer.create(stage.key, stage.session());
    tracked().hold();
    expect((await stage.get())?.generation).toBe(1);
    await eventually(() => expect(tracked().held()).toContain('$27'));
    await stage.peer.replace(stage.key, stage.session(2), 1, 'owner');
    await eventually(() => expect(tracked().held()).toContain('invalidate'));
    tracked().release();
    for (let read = 0; read < 20; read += 1) {
      expect((await stage.get())?.generation).toBe(2);
      await wait(1);
    }
  });

  it('does not keep what it has read once a write of this process is done', async () => {
    await stage.caching();
    await stage.peer.create(stage.key, stage.session());
    tracked().hold();
    await stage.get();
    await eventually(() => expect(tracked().held()).toContain('$27'));
    const [before] = tracked().held().split('>');
    expect(before).toContain('$27');
    await stage.store.replace(stage.key, stage.session(2), 1, 'owner');
    tracked().release();
    for (let read = 0; read < 20; read += 1) expect((await stage.get())?.generation).toBe(2);
  });

  it('finds what this process has written, before Redis has told of it', async () => {
    await stage.cached();
    tracked().hold();
    await stage.store.replace(stage.key, stage.session(2), 1, 'owner');
    expect((await stage.get())?.generation).toBe(2);
    await stage.store.delete(stage.key);
    expect(await stage.get()).toBeUndefined();
  });

  it('answers no session once Redis has been silent, though nothing says that the connection is broken', async () => {
    await stage.cached();
    tracked().hold();
    await stage.peer.delete(stage.key);
    await stage.clock.advance(SILENCE_MS);
    const read = stage.get();
    await stage.clock.advance(PATIENCE_MS);
    expect(await read).toBeUndefined();
  });

  it('lets one request wait for a silent connection, and no other', async () => {
    const session = await stage.cached();
    tracked().hold();
    await stage.clock.advance(SILENCE_MS);
    const first = stage.get();
    await stage.clock.advance(PATIENCE_MS);
    expect(await first).toEqual(session);
    await stage.clock.advance(1);
    const timers = stage.clock.pending;
    expect(await stage.get()).toEqual(session);
    expect(stage.clock.pending).toBe(timers);
  });

  it('replaces a connection over which nothing comes', async () => {
    await stage.cached();
    const silent = tracked();
    silent.hold();
    await stage.clock.advance(SILENCE_MS);
    const read = stage.get();
    await stage.clock.advance(PATIENCE_MS);
    await read;
    await stage.clock.advance(LOST_MS);
    await stage.caching();
    expect(tracked()).not.toBe(silent);
    await stage.held();
    await stage.peer.delete(stage.key);
    await stage.gone();
  });

  it('hears of what changed meanwhile first, when a silent connection speaks again', async () => {
    await stage.cached();
    tracked().hold();
    await stage.peer.delete(stage.key);
    await stage.clock.advance(SILENCE_MS);
    const read = stage.get();
    await eventually(() => expect(tracked().held()).toContain('PONG'));
    tracked().release();
    expect(await read).toBeUndefined();
  });

  it('replaces a connection that is never ready', async () => {
    await stage.caching();
    const first = tracked();
    await stage.killTracked();
    await stage.notCaching();
    const opened = proxy.connections.length;
    await stage.clock.advance(200);
    expect(stage.store.isCaching).toBe(false);
    await eventually(() => expect(proxy.connections).toHaveLength(opened + 1));
    tracked().hold();
    await stage.clock.advance(LOST_MS);
    await stage.caching();
    expect(tracked()).not.toBe(first);
    expect(proxy.connections.length).toBeGreaterThan(opened + 1);
  });
});

describe('The process cache, when Redis', () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open(server);
  });

  afterEach(async () => {
    server.resume();
    await stage.close();
  });

  it('cuts its connection: forgets everything, and works on with a new one', async () => {
    await stage.cached();
    await stage.killTracked();
    await stage.peer.delete(stage.key);
    await eventually(() => expect(stage.store.isCaching).toBe(false));
    expect(await stage.get()).toBeUndefined();
    await stage.clock.advance(200);
    await stage.caching();
    await stage.peer.create(stage.key, stage.session(3));
    expect((await stage.held()).generation).toBe(3);
    expect(await stage.trackedIds()).toHaveLength(1);
  });

  it('cuts the connection of the application: forgets everything, since the next one may lead elsewhere', async () => {
    await stage.cached();
    const [trackedId] = await stage.trackedIds();
    const lost = new Promise<void>((resolve) => stage.client.once('error', () => resolve()));
    await stage.other.sendCommand(['CLIENT', 'KILL', 'ID', String(await stage.client.clientId())]);
    await lost;
    expect(stage.store.isCaching).toBe(false);
    await stage.clock.advance(200);
    await stage.caching();
    expect(await stage.trackedIds()).not.toContain(trackedId);
  });

  it('cuts the connection of the application while that of the cache is opened: leaves none behind', async () => {
    expect(stage.store.isCaching).toBe(false);
    stage.client.emit('error', new Error('lost'));
    await stage.clock.advance(200);
    await stage.caching();
    await wait(50);
    expect(await stage.trackedIds()).toHaveLength(1);
  });

  it('is frozen: answers nothing from the process, and rejects in time', async () => {
    await stage.cached();
    server.pause();
    await stage.clock.advance(SILENCE_MS);
    const read = expect(stage.get()).rejects.toThrow('within 2000 ms');
    await stage.clock.advance(PATIENCE_MS + 2_000);
    await read;
    const next = expect(stage.get()).rejects.toThrow('within 500 ms');
    await stage.clock.advance(500);
    await next;
    server.resume();
    await stage.clock.advance(LOST_MS);
    expect((await stage.get())?.generation).toBe(1);
    await eventually(async () => {
      await stage.clock.advance(100);
      expect(stage.store.isCaching).toBe(true);
    });
  });

  it('is restarted: forgets everything, and reads what is there then', async () => {
    await stage.cached();
    const lost = new Promise<void>((resolve) => stage.client.once('reconnecting', () => resolve()));
    await server.stop();
    await lost;
    expect(stage.store.isCaching).toBe(false);
    await server.start();
    await eventually(() => expect(stage.other.isReady && stage.client.isReady).toBe(true));
    await stage.peer.replace(stage.key, stage.session(2), 1, 'owner');
    expect((await stage.get())?.generation).toBe(2);
    await eventually(async () => {
      await stage.clock.advance(100);
      expect(stage.store.isCaching).toBe(true);
    });
    expect((await stage.held()).generation).toBe(2);
  });

  it('takes the command for tracking, and something in between swallows what it tells: keeps nothing', async () => {
    const proxy = await RedisProxy.start(server.port, 'invalidate');
    const deaf = await Stage.open(server, { url: proxy.url });
    await deaf.peer.create(deaf.key, deaf.session());
    for (let connection = 1; connection < 4; connection += 1) {
      for (let read = 0; read < 10; read += 1) {
        expect((await deaf.get())?.generation).toBe(connection);
        expect(deaf.store.isCaching).toBe(false);
        await wait(5);
      }
      await deaf.peer.replace(deaf.key, deaf.session(connection + 1), connection, 'owner');
      await deaf.clock.advance(LOST_MS);
    }
    // That of the application, and one for each attempt.
    expect(proxy.connections.length).toBeGreaterThan(3);
    await deaf.close();
    proxy.dispose();
  });

  it('refuses tracking: works without, and asks for it less and less often', async () => {
    await stage.other.sendCommand([
      'ACL',
      'SETUSER',
      'limited',
      'on',
      '>secret',
      '~*',
      '&*',
      '+@all',
      '-client|tracking',
    ]);
    const client = (await createClient({ url: server.url, username: 'limited', password: 'secret' })
      .on('error', () => undefined)
      .connect()) as unknown as Client;
    const store = new RedisSessionStore(client, { processCache: true }, stage.clock);
    await store.create(stage.key, stage.session());
    const commands = await stage.commandsOf(async () => {
      for (let second = 0; second < 60; second += 1) {
        expect((await store.get(stage.key))?.generation).toBe(1);
        expect(store.isCaching).toBe(false);
        await wait(2);
        await stage.clock.advance(1_000);
      }
    });
    expect(commands['client|tracking'] ?? commands['hello']).toBeLessThanOrEqual(10);
    client.destroy();
  });
});

it('a process cache never answers what has ended, whatever is cut, frozen or emptied meanwhile', async () => {
  const [client, other] = [await connect(server.url), await connect(server.url)];
  const store = new RedisSessionStore(client, { processCache: true });
  const peer = new RedisSessionStore(other);
  const keys = Array.from({ length: 8 }, (_, index) => `session-${index}`);
  const generations = new Map<string, number>();
  const session = (generation: number): StoredSession => ({
    data: Buffer.from(`generation ${generation}`),
    generation,
    expiresAt: Date.now() + 600_000,
    lastSeenAt: Date.now(),
  });
  const disturbances = [
    () => other.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']),
    async () => {
      server.pause();
      await wait(60);
      server.resume();
    },
    () => other.flushAll().then(() => generations.clear()),
  ];
  let hits = 0;
  for (let step = 0; step < 180; step += 1) {
    const key = keys[step % keys.length] as string;
    const generation = generations.get(key);
    if (generation === undefined) await peer.create(key, session(step + 1));
    else if (step % 3 === 0) await peer.delete(key);
    else await peer.replace(key, session(step + 1), generation, 'owner');
    const expected = generation !== undefined && step % 3 === 0 ? undefined : step + 1;
    if (expected === undefined) generations.delete(key);
    else generations.set(key, expected);
    if (step % 20 === 19) await disturbances[Math.floor(step / 20) % disturbances.length]?.();
    await wait(step % 4 === 0 ? SILENCE_MS : 2);
    const settled = step % 4 === 0;
    for (const each of settled ? keys : [key]) {
      const read = await Promise.resolve(store.get(each)).catch(() => 'unknown' as const);
      if (read === 'unknown') continue;
      if (settled) expect(read?.generation).toBe(generations.get(each));
      if (read && read === (await Promise.resolve(store.get(each)).catch(() => undefined))) hits += 1;
    }
  }
  expect(hits).toBeGreaterThan(20);
  await store.close?.();
  client.destroy();
  other.destroy();
});
