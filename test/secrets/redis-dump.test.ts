import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { RedisSessionStore } from 'nest-oidc/redis';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, RESP_TYPES } from 'redis';
import { Sealer } from '../../lib/session/sealing.js';
import { SessionCodec } from '../../lib/session/session-codec.js';
import { sessionIdOf } from '../../lib/session/session-token.js';
import type { StoredSession } from '../../lib/store/session-store.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/gate.js';
import { logoutToken } from '../support/logout-token.js';
import { RedisServer } from '../support/redis-server.js';
import { ScriptedProvider, startAppAt, type Json } from '../support/scripted-provider.js';
import { SECRET, type TestApp } from '../support/test-app.js';
import { TimeTravel } from '../support/time-travel.js';
import { Needles } from './haystack.js';

const LIVE = 100;
const LOGGED_OUT = 10;
const ENDED_BY_PROVIDER = 10;
const REFRESHED = 40;
const REFRESHING = 10;
/** Seconds. */
const LIFETIME = 600;
const OTHER_SECRET = 'x1y-a-secret-that-only-tests-use-Wm8c';
const LIB = fileURLToPath(new URL('../../lib', import.meta.url));

interface User {
  readonly sub: string;
  readonly sid: string;
  readonly address: string;
  readonly agent: string;
  readonly browser: Browser;
  /** The cookie's value. */
  readonly token: string;
}

/** A provider whose every word is distinctive, an application that keeps its sessions in Redis, and many users. */
class Scene {
  readonly users: User[] = [];
  readonly needles = new Needles();
  private readonly openGate: () => void;
  private readonly held: Promise<void>;
  private number = 0;

  private constructor(
    readonly redis: RedisServer,
    readonly client: ReturnType<typeof createClient>,
    readonly provider: ScriptedProvider,
    readonly app: TestApp,
    readonly time: TimeTravel,
  ) {
    ({ passed: this.held, open: this.openGate } = gate());
    this.prepareProvider();
  }

  static async start(): Promise<Scene> {
    // Otherwise the file hides from a search what it does not hide from anybody else.
    const redis = await RedisServer.start({ args: ['--rdbcompression', 'no'] });
    const client: ReturnType<typeof createClient> = createClient({ url: redis.url });
    await client.connect();
    const provider = await ScriptedProvider.start();
    const app = await startAppAt(provider, {
      options: {
        session: { store: new RedisSessionStore(client), recordDevice: true },
        login: { scope: 'openid profile email offline_access' },
      },
      prepare: (nest) => void (nest as NestExpressApplication).set('trust proxy', true),
    });
    return new Scene(redis, client, provider, app, new TimeTravel());
  }

  async stop(): Promise<void> {
    this.openGate();
    await this.app.close();
    this.time.end();
    this.client.destroy();
    await this.redis.dispose();
    await this.provider.stop();
  }

  async logIn(): Promise<User> {
    this.number += 1;
    const padded = String(this.number).padStart(4, '0');
    const [sub, sid] = [`distinctive-sub-${padded}`, `distinctive-sid-${padded}`];
    const [address, agent] = [`2001:db8:77::${padded}`, `DistinctiveBrowser/${padded}`];
    this.provider.sub = sub;
    const browser = new Browser();
    const headers = { 'x-forwarded-for': address, 'user-agent': agent };
    const login = await browser.open(`${this.app.url}/auth/login`, headers);
    const callback = await browser.open(login.location ?? '', headers);
    for (const [name, value] of browser.cookies) this.learn(`cookie ${name.slice(0, 7)}`, value);
    const answer = await browser.open(callback.location ?? '', headers);
    const token = browser.cookies.get('sid') ?? '';
    expect([answer.status, token]).toEqual([303, expect.stringMatching(/^[\w-]{43}$/u)]);
    const user = { sub, sid, address, agent, browser, token };
    for (const [name, value] of Object.entries({ sub, sid, address, agent, token })) this.learn(name, value);
    this.users.push(user);
    return user;
  }

  async tokenOf({ browser }: User): Promise<number> {
    return (await browser.fetch(`${this.app.url}/token`)).status;
  }

  /** Refreshes reach the provider, and wait there. */
  hold(): void {
    this.provider.script.answer = async ({ params }) => {
      if (params.get('grant_type') === 'refresh_token') await this.held;
      return undefined;
    };
  }

  /** What the provider has been told. */
  learnRequests(): void {
    for (const { params } of this.provider.requests) {
      for (const name of ['code', 'code_verifier', 'code_challenge', 'state', 'nonce', 'client_secret']) {
        for (const value of params.getAll(name)) this.learn(name, value);
      }
    }
  }

  private prepareProvider(): void {
    const { script } = this.provider;
    const claimsOf = (sub: string): Json => {
      const number = sub.slice(-4);
      return { name: `Distinctive Name ${number}`, email: `distinctive-${number}@mail.example` };
    };
    script.idToken = ({ claims, ...rest }) => {
      const sub = String(claims['sub']);
      const more = { ...claimsOf(sub), sid: `distinctive-sid-${sub.slice(-4)}` };
      for (const [name, value] of Object.entries(more)) this.learn(name, value);
      return { ...rest, claims: { ...claims, ...more } };
    };
    let made = 0;
    script.tokenResponse = (response) => {
      made += 1;
      const tokens = {
        access_token: `distinctive-access-token-${made}`,
        refresh_token: `distinctive-refresh-token-${made}`,
      };
      const [header = '', payload = '', signature = ''] = String(response['id_token']).split('.');
      for (const [name, value] of Object.entries({ ...tokens, header, payload, signature })) this.learn(name, value);
      return { ...response, ...tokens, expires_in: LIFETIME };
    };
  }

  private learn(name: string, value: unknown): void {
    this.needles.add(name, String(value));
  }
}

type Entry = readonly [key: Buffer, ...values: Buffer[]];

/** Every key and all that is there under it: as `DUMP` serializes it, and as the commands of its type read it. */
async function dump(scene: Scene): Promise<Entry[]> {
  const client = scene.client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const entries: Entry[] = [];
  for await (const keys of client.scanIterator({ COUNT: 100 })) {
    for (const key of keys as unknown as Buffer[]) {
      const type = await scene.client.type(key);
      const value = await client.sendCommand<Buffer | Buffer[]>(readerOf(type, key));
      const dumped = await client.sendCommand<Buffer>(['DUMP', key]);
      entries.push([key, dumped, ...(Array.isArray(value) ? value : [value])]);
    }
  }
  return entries;
}

function readerOf(type: string, key: Buffer): (string | Buffer)[] {
  switch (type) {
    case 'string':
      return ['GET', key];
    case 'zset':
      return ['ZRANGE', key, '0', '-1'];
    case 'set':
      return ['SMEMBERS', key];
    case 'hash':
      return ['HGETALL', key];
    case 'list':
      return ['LRANGE', key, '0', '-1'];
    default:
      throw new Error(`This test cannot read a ${type}.`);
  }
}

async function savedFile({ client }: Scene): Promise<Buffer> {
  await client.sendCommand(['SAVE']);
  const { dir, dbfilename } = await client.configGet(['dir', 'dbfilename']);
  return readFile(join(String(dir), String(dbfilename)));
}

describe('who holds a dump of Redis', () => {
  let scene: Scene;
  let entries: Entry[];
  let file: Buffer;
  let sessions: { readonly id: string; readonly stored: StoredSession }[];
  let refreshing: Promise<number>[];

  beforeAll(async () => {
    scene = await Scene.start();
    for (let number = 0; number < LIVE + LOGGED_OUT + ENDED_BY_PROVIDER; number += 1) await scene.logIn();
    for (const { browser } of scene.users.splice(0, LOGGED_OUT)) {
      expect((await browser.fetch(`${scene.app.url}/auth/logout`, { method: 'POST' })).status).toBe(200);
    }
    for (const { sub, sid } of scene.users.splice(0, ENDED_BY_PROVIDER)) {
      const body = new URLSearchParams({
        logout_token: logoutToken(scene.provider, ({ claims, ...rest }) => ({
          ...rest,
          claims: { ...claims, sub, sid },
        })),
      }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await new Browser().send(`${scene.app.url}/auth/backchannel-logout`, {
        method: 'POST',
        headers,
        body,
      });
      expect(answer.status).toBe(200);
    }
    scene.time.forward(LIFETIME + 1);
    for (const user of scene.users.slice(0, REFRESHED)) {
      scene.provider.sub = user.sub;
      expect(await scene.tokenOf(user)).toBe(200);
    }
    scene.hold();
    const before = scene.provider.count('/token');
    refreshing = scene.users.slice(REFRESHED, REFRESHED + REFRESHING).map((user) => scene.tokenOf(user));
    await eventually(() => expect(scene.provider.count('/token') - before).toBe(REFRESHING));
    scene.learnRequests();
    entries = await dump(scene);
    file = await savedFile(scene);
    const store = new RedisSessionStore(scene.client);
    sessions = [];
    for (const [key] of entries) {
      const [, id] = /^oidc:s:\{(.+)\}$/u.exec(key.toString()) ?? [];
      const stored = id === undefined ? undefined : await store.get(id);
      if (id !== undefined && stored) sessions.push({ id, stored });
    }
  }, 120_000);

  afterAll(async () => {
    await scene.stop();
    await Promise.all(refreshing);
  });

  const keysOf = (kind: string): string[] =>
    entries.map(([key]) => key.toString()).filter((key) => key.startsWith(`oidc:${kind}:`));

  it('has all of it before them: sessions, locks, used logins, indexes', () => {
    expect(sessions).toHaveLength(LIVE);
    expect(sessions.filter(({ stored }) => stored.generation === 2)).toHaveLength(REFRESHED);
    expect(keysOf('l')).toHaveLength(REFRESHING);
    expect(keysOf('m')).toHaveLength(LIVE + LOGGED_OUT + ENDED_BY_PROVIDER);
    // At least one set for each user, one for each session at the provider.
    expect(keysOf('x').length).toBeGreaterThanOrEqual(2 * LIVE);
    for (const [key] of entries) expect(file.includes(key)).toBe(true);
  });

  it('finds no token, code, cookie, nonce, claim, address or agent in it, in clear or encoded [SES-02] [SES-06] [SES-11]', () => {
    expect(scene.needles.in(Buffer.concat(entries.flat()))).toEqual([]);
    expect(scene.needles.in(file)).toEqual([]);
  });

  it('would find them', () => {
    const [user] = scene.users;
    const { sub = '', token = '', agent = '', address = '' } = user ?? {};
    const planted = [
      ['sub in clear', sub],
      ['token in hex', Buffer.from(token).toString('hex')],
      ['agent in base64', Buffer.from(`{"agent":"${agent}"}`).toString('base64')],
      ['address in base64url', Buffer.from(`x${address}?`).toString('base64url')],
    ] as const;
    for (const [name, text] of planted) {
      expect(scene.needles.in(Buffer.concat([file, Buffer.from(text), file]))).toContain(name);
    }
  });

  it('opens no session with the secret and no cookie [SES-11]', () => {
    const codec = new SessionCodec([SECRET]);
    for (const { id, stored } of sessions) {
      for (const guess of ['', id, SECRET, `oidc:s:{${id}}`]) expect(codec.decode(stored, guess, id)).toBe('corrupt');
    }
  });

  it('opens nothing with the secret for any of the library’s purposes, whatever it is said to be bound to [SES-06] [SES-11]', async () => {
    const purposes = await purposesOfSealers();
    expect(purposes).toEqual(expect.arrayContaining(['session', 'session origin', 'authorization request']));
    const sealers = purposes.map((purpose) => new Sealer([SECRET], purpose));
    for (const { id, stored } of sessions) {
      const place = `${id} ${stored.generation}`;
      const contexts = [id, place, `tokens ${place}`, `head ${place}`, `origin ${id}`];
      for (const sealed of partsOf(stored)) {
        for (const sealer of sealers) {
          for (const context of contexts) {
            for (const binding of [undefined, '', id])
              expect(typeof sealer.unseal(sealed, context, binding)).toBe('string');
          }
        }
      }
    }
  });

  it('opens no session with the cookie and another secret [SES-11]', () => {
    const codec = new SessionCodec([OTHER_SECRET]);
    for (const { token } of scene.users)
      expect(codec.decode(storedOf(token), token, sessionIdOf(token))).toBe('unknown_key');
  });

  it('opens each with both, and with no other cookie', () => {
    const codec = new SessionCodec([SECRET]);
    for (const [index, { token, sub }] of scene.users.entries()) {
      const id = sessionIdOf(token);
      const loaded = codec.decode(storedOf(token), token, id);
      if (typeof loaded === 'string') throw new Error(loaded);
      expect(loaded.session.sub).toBe(sub);
      expect(loaded.tokens().accessToken).toMatch(/^distinctive-access-token-/u);
      const neighbour = scene.users.at(index - 1)?.token ?? '';
      expect(codec.decode(storedOf(token), neighbour, id)).toBe('corrupt');
    }
  });

  it('learns where a login came from with the secret and the name of the user, and not with that of another', () => {
    const codec = new SessionCodec([SECRET]);
    const iss = scene.provider.issuer;
    for (const [index, { token, sub, address, agent }] of scene.users.entries()) {
      const [stored, id] = [storedOf(token), sessionIdOf(token)];
      expect(codec.decodeOrigin(stored, id, { iss, sub })).toMatchObject({ address, agent });
      expect(codec.decodeOrigin(stored, id, { iss, sub: scene.users.at(index - 1)?.sub ?? '' })).toBeUndefined();
      expect(new SessionCodec([OTHER_SECRET]).decodeOrigin(stored, id, { iss, sub })).toBeUndefined();
    }
  });

  function storedOf(token: string): StoredSession {
    const found = sessions.find(({ id }) => id === sessionIdOf(token));
    if (!found) throw new Error('A session is not in the dump.');
    return found.stored;
  }
});

/** What the library seals, from its sources: a new purpose is tried as well. */
async function purposesOfSealers(): Promise<string[]> {
  const files = (await readdir(LIB, { recursive: true })).filter((path) => path.endsWith('.ts'));
  const sources = await Promise.all(files.map((path) => readFile(join(LIB, path), 'utf8')));
  return sources.flatMap((source) =>
    [...source.matchAll(/new Sealer\([^)]*?'([^']+)'\)/gu)].map(([, purpose = '']) => purpose),
  );
}

/** Whatever begins in the data like an envelope, and all that may belong to it. */
function partsOf({ data }: StoredSession): Uint8Array[] {
  const bytes = Buffer.from(data);
  const headEnd = 8 + bytes.readUInt32BE(0);
  const originEnd = headEnd + bytes.readUInt32BE(4);
  return [bytes, bytes.subarray(8, headEnd), bytes.subarray(headEnd, originEnd), bytes.subarray(originEnd)];
}
