import { setTimeout as pause } from 'node:timers/promises';
import { sessionIdOf } from '../../build/session/session-token.js';
import { freePort } from '../../test/support/free-port.js';
import { Child } from '../child.js';
import { startProvider } from './provider.js';

const ENTRY = new URL('application.js', import.meta.url);
const FIRST_GENERATION = `${'\0'.repeat(7)}\u0001`;
const FORM = 'application/x-www-form-urlencoded';

/** Two processes of one application, and their provider. What happens on the one is looked for on the other. */
export class Pair {
  static async start(redis) {
    const pair = new Pair(redis, await startProvider());
    try {
      for (const name of ['one', 'other']) pair[name] = await pair.startProcess();
      return pair;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  constructor(redis, provider) {
    Object.assign(this, { redis, provider, children: [], logins: 0 });
  }

  /** A user who has been seen on the other process often enough that it answers from its cache. */
  async logIn() {
    this.logins += 1;
    const sub = `user-${this.logins}`;
    const cookie = await this.one.child.ask({ question: 'logIn', value: { sub } });
    let reads;
    for (;;) {
      const seen = await this.see(cookie);
      if (seen.reads !== undefined && seen.reads === reads) return { sub, cookie, token: seen.token };
      ({ reads } = seen);
    }
  }

  /** Does it on the one process, and answers what the other must show from then on. Tried again while Redis is away. */
  async act(action, user) {
    for (;;) {
      const { status, body } = await this[action](user);
      if (status === 200 && action !== 'refresh') return { status: 401 };
      if (status === 200 && body.token !== user.token) return { status: 200, token: body.token };
      // The first attempt may have done it, and only its answer was lost.
      if (status === 401 && action === 'logout') return { status: 401 };
      if (status !== 503 && status !== 200) throw new Error(`${action} was answered with ${status}.`);
      // A refresh that failed while the token is good yet: it is tried again after a while.
      if (status === 200) await pause(20);
    }
  }

  /**
   * Until Redis has what was refreshed: a process that cannot write it serves it from memory meanwhile, and tries again.
   * Sessions begin with their generation.
   */
  async refreshWritten({ cookie }) {
    const key = `oidc:s:{${sessionIdOf(cookie.slice('sid='.length))}}`;
    const generation = () => this.redis.client.getRange(key, 0, 7);
    while ((await generation()) === FIRST_GENERATION) await pause(1);
  }

  /** What the other process shows of this user. */
  async see(cookie) {
    const { status, body } = await ask(`${this.other.url}/me`, { headers: { cookie } });
    return { status, token: body.token, reads: body.reads };
  }

  logout({ cookie }) {
    const headers = { cookie, origin: this.one.url };
    return ask(`${this.one.url}/auth/logout`, { method: 'POST', headers });
  }

  'back-channel logout'({ sub }) {
    const body = new URLSearchParams({ logout_token: this.provider.logoutToken(sub) }).toString();
    return ask(`${this.one.url}/auth/backchannel-logout`, { method: 'POST', headers: { 'content-type': FORM }, body });
  }

  refresh({ cookie }) {
    return ask(`${this.one.url}/renew`, { headers: { cookie } });
  }

  async stop() {
    await Promise.all(this.children.map((child) => child.stop()));
    this.provider.stop();
  }

  async startProcess() {
    // Not in production: the library refuses a provider without https there.
    const child = await Child.start(ENTRY, [], { env: { NODE_ENV: 'bench', REDIS_URL: this.redis.url } });
    this.children.push(child);
    const port = await freePort();
    await child.ask({ question: 'start', value: { ...this.provider.options, port } });
    return { child, url: `http://127.0.0.1:${port}` };
  }
}

async function ask(url, { headers, ...request }) {
  const response = await fetch(url, { ...request, headers: { accept: 'application/json', ...headers } });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : {} };
}
