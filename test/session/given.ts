import { Logger } from '@nestjs/common';
import { EventLog, type OidcEvent } from '../../lib/common/events.js';
import type { Claims } from '../../lib/common/claims.js';
import type { ResolvedOptions } from '../../lib/options/resolved-options.js';
import type { TokenSet } from '../../lib/provider/token-set.js';
import { SessionRepository } from '../../lib/session/session-repository.js';
import { MemorySessionStore } from '../../lib/store/memory-session-store.js';
import type { SessionStore } from '../../lib/store/session-store.js';
import { resolve, type Loose } from '../options/valid-options.js';
import { ControlledClock } from '../support/controlled-clock.js';

// What is logged is asserted on as events.
Logger.overrideLogger(false);

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const CLAIMS: Claims = {
  iss: 'https://login.example.com',
  sub: 'alice',
  sid: 'op-session',
  nonce: 'n-1',
  auth_time: 1_767_225_600,
  azp: 'app',
  address: { country: 'CZ' },
};

export function tokenSet(now: number, changes: Partial<TokenSet> = {}): TokenSet {
  return {
    accessToken: 'AT-1',
    tokenType: 'Bearer',
    issuedAt: now,
    expiresAt: now + HOUR,
    refreshToken: 'RT-1',
    refreshTokenExpiresAt: undefined,
    idToken: 'IT-1',
    scope: 'openid offline_access',
    ...changes,
  };
}

type StoreMethod = Exclude<keyof SessionStore, 'close'>;

/**
 * A memory store that writes down each call, and fails or waits when it is told to: `fail('get')` until `heal('get')`;
 * `before('replace', …)` runs first.
 */
export class WatchedStore implements SessionStore {
  readonly calls: StoreMethod[] = [];
  private readonly failing = new Map<StoreMethod, 'before' | 'after'>();
  private readonly hooks = new Map<StoreMethod, () => Promise<unknown> | void>();

  constructor(readonly inner: SessionStore) {}

  readonly get: SessionStore['get'] = (...args) => this.call('get', async () => this.inner.get(...args));
  readonly create: SessionStore['create'] = (...args) => this.call('create', () => this.inner.create(...args));
  readonly replace: SessionStore['replace'] = (...args) => this.call('replace', () => this.inner.replace(...args));
  readonly touch: SessionStore['touch'] = (...args) => this.call('touch', () => this.inner.touch(...args));
  readonly delete: SessionStore['delete'] = (...args) => this.call('delete', () => this.inner.delete(...args));
  readonly lock: SessionStore['lock'] = (...args) => this.call('lock', () => this.inner.lock(...args));
  readonly unlock: SessionStore['unlock'] = (...args) => this.call('unlock', () => this.inner.unlock(...args));
  readonly markUsed: SessionStore['markUsed'] = (...args) => this.call('markUsed', () => this.inner.markUsed(...args));
  readonly addMember: SessionStore['addMember'] = (...args) =>
    this.call('addMember', () => this.inner.addMember(...args));
  readonly members: SessionStore['members'] = (...args) => this.call('members', () => this.inner.members(...args));
  readonly removeMember: SessionStore['removeMember'] = (...args) =>
    this.call('removeMember', () => this.inner.removeMember(...args));

  count(method: StoreMethod): number {
    return this.calls.filter((call) => call === method).length;
  }

  /** `after`: the store does the work, and its answer gets lost. */
  fail(method: StoreMethod, when: 'before' | 'after' = 'before'): void {
    this.failing.set(method, when);
  }

  heal(method: StoreMethod): void {
    this.failing.delete(method);
  }

  before(method: StoreMethod, hook: () => Promise<unknown> | void): void {
    this.hooks.set(method, hook);
  }

  private async call<T>(method: StoreMethod, work: () => Promise<T>): Promise<T> {
    this.calls.push(method);
    const hook = this.hooks.get(method);
    this.hooks.delete(method);
    await hook?.();
    if (this.failing.get(method) === 'before') throw new Error('ECONNRESET');
    const answer = await work();
    if (this.failing.get(method) === 'after') throw new Error('ECONNRESET');
    return answer;
  }
}

export interface Given {
  readonly clock: ControlledClock;
  readonly options: ResolvedOptions;
  readonly store: WatchedStore;
  readonly listened: OidcEvent[];
  readonly events: EventLog;
  readonly repository: SessionRepository;
  names(): readonly OidcEvent['name'][];
}

export function given(changes: Loose = {}, clock = new ControlledClock(), inner?: SessionStore): Given {
  const options = resolve(changes);
  const store = new WatchedStore(inner ?? new MemorySessionStore({}, clock));
  const listened: OidcEvent[] = [];
  const events = new EventLog((event) => void listened.push(event));
  const repository = new SessionRepository(options, store, clock, events);
  return { clock, options, store, listened, events, repository, names: () => listened.map(({ name }) => name) };
}

/** A `Cookie` header with this session token. */
export function requestWith(token: string | undefined): { readonly headers: { readonly cookie?: string } } {
  return { headers: token === undefined ? {} : { cookie: `__Host-sid=${token}` } };
}
