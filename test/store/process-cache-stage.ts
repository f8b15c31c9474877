import { expect } from '@jest/globals';
import { createClient } from 'redis';
import { randomToken } from '../../lib/common/random.js';
import { RedisSessionStore, type RedisSessionStoreOptions } from '../../lib/store/redis-session-store.js';
import type { StoredSession } from '../../lib/store/session-store.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { eventually } from '../support/eventually.js';
import type { RedisServer } from '../support/redis-server.js';

export const HOUR = 3_600_000;

/** How long Redis may be silent, by default. */
export const SILENCE_MS = 50;

export async function connect(url: string, RESP: 2 | 3 = 3) {
  return createClient({ url, RESP, socket: { reconnectStrategy: 10 } })
    .on('error', () => undefined)
    .connect();
}

export type Client = Awaited<ReturnType<typeof connect>>;

/** A store with a process cache, another process on the same Redis, and a session. */
export class Stage {
  readonly clock = new ControlledClock();
  readonly key = randomToken();
  readonly peer: RedisSessionStore;
  readonly store: RedisSessionStore;

  private constructor(
    readonly client: Client,
    /** Of the other process. */
    readonly other: Client,
    options: RedisSessionStoreOptions,
  ) {
    this.store = new RedisSessionStore(client, { processCache: true, ...options }, this.clock);
    this.peer = new RedisSessionStore(other, {}, this.clock);
  }

  static async open(
    server: RedisServer,
    { url = server.url, ...options }: RedisSessionStoreOptions & { readonly url?: string } = {},
  ): Promise<Stage> {
    return new Stage(await connect(url), await connect(server.url), options);
  }

  async close(): Promise<void> {
    await this.store.close?.();
    this.client.destroy();
    this.other.destroy();
  }

  session(generation = 1, lifetimeMs = HOUR): StoredSession {
    return {
      data: Uint8Array.of(0, 255, generation),
      generation,
      expiresAt: this.clock.now() + lifetimeMs,
      lastSeenAt: this.clock.now(),
    };
  }

  async get(): Promise<StoredSession | undefined> {
    return this.store.get(this.key);
  }

  /** Waits until changes are told. */
  caching(): Promise<void> {
    return eventually(() => expect(this.store.isCaching).toBe(true));
  }

  /** Waits until it is known that changes are not told. */
  notCaching(): Promise<void> {
    return eventually(() => expect(this.store.isCaching).toBe(false));
  }

  /** A session that is in the process. */
  async cached(given = this.session()): Promise<StoredSession> {
    await this.caching();
    await this.peer.create(this.key, given);
    return this.held();
  }

  /** Waits until a session is in the process: two reads answer the same object. */
  held(key = this.key): Promise<StoredSession> {
    return eventually(async () => {
      const first = await this.store.get(key);
      expect(first).toBeDefined();
      expect(await this.store.get(key)).toBe(first);
      return first as StoredSession;
    });
  }

  /** Waits until it is told that the session has ended. */
  gone(key = this.key): Promise<void> {
    return eventually(async () => expect(await this.store.get(key)).toBeUndefined());
  }

  /** The commands that Redis runs meanwhile. */
  async commandsOf(act: () => Promise<unknown>): Promise<Record<string, number>> {
    await this.other.configResetStat();
    await act();
    const stats = await this.other.info('commandstats');
    return Object.fromEntries(
      [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)]
        .map(([, command = '', calls]) => [command, Number(calls)] as const)
        .filter(([command]) => command !== 'info' && command !== 'config|resetstat'),
    );
  }

  /** The ids of the connections that Redis tells of changes. */
  async trackedIds(): Promise<string[]> {
    const list = String(await this.other.sendCommand(['CLIENT', 'LIST']));
    return [...list.matchAll(/^id=(\d+).* flags=\w*t\w* /gm)].map(([, id = '']) => id);
  }

  async killTracked(): Promise<void> {
    for (const id of await this.trackedIds()) await this.other.sendCommand(['CLIENT', 'KILL', 'ID', id]);
  }
}
