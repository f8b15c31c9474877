import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../common/clock.js';
import { cookieNames, cookiesWithPrefix, cookieValues } from '../common/cookie-header.js';
import { AuthorizationRequests, type AuthorizationRequest } from '../login/authorization-request.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import type { LoadedSession } from '../session/session.js';
import { Platform, type PlatformRequest, type PlatformResponse } from './platform.js';

const MAX_PENDING = 5;
const MAX_PENDING_BYTES = 6 * 1024;
/** More in one answer would make it too large for many a proxy: the rest goes next time. */
const MAX_DELETIONS = 20;
const DELETED = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT';

interface Pending {
  readonly name: string;
  readonly bytes: number;
  readonly createdAt: number;
}

/** The two kinds of cookie: the session's, and one for each login under way. Both HttpOnly, host-only, `Path=/`. */
@Injectable()
export class Cookies {
  private readonly pendingPrefix: string;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(Platform) private readonly platform: Platform,
    @Inject(AuthorizationRequests) private readonly requests: AuthorizationRequests,
  ) {
    this.pendingPrefix = options.base.secure ? '__Host-oidc.tx.' : 'oidc.tx.';
  }

  /** How many cookies there are with the name of the session's: more than one, and none counts. */
  countSessions({ headers }: PlatformRequest): number {
    return cookieValues(headers.cookie, this.options.session.cookie.name).length;
  }

  setSession(response: PlatformResponse, { token, session }: LoadedSession): void {
    const { name, persistent } = this.options.session.cookie;
    const seconds = Math.floor((session.absoluteExpiresAt - this.clock.now()) / 1000);
    this.platform.addCookie(response, this.session(name, token, persistent ? `Max-Age=${seconds}` : undefined));
  }

  clearSession(response: PlatformResponse): void {
    this.platform.addCookie(response, this.session(this.options.session.cookie.name, '', DELETED));
  }

  /** Adds a login under way; the oldest ones go when there are too many, so that no header grows without end. */
  addPending(request: PlatformRequest, response: PlatformResponse, authorizationRequest: AuthorizationRequest): void {
    const name = this.pendingPrefix + this.requests.nameOf(authorizationRequest.state);
    const value = this.requests.seal(authorizationRequest);
    this.evictPending(request, response, name.length + value.length);
    this.platform.addCookie(response, this.pending(name, value, `Max-Age=${this.options.login.lifetime}`));
  }

  /** The sealed authorization request that belongs to this `state`. */
  pendingOf({ headers }: PlatformRequest, state: string): string | undefined {
    const values = cookieValues(headers.cookie, this.pendingPrefix + this.requests.nameOf(state));
    return values.length === 1 ? values[0] : undefined;
  }

  clearPending(response: PlatformResponse, state: string): void {
    this.platform.addCookie(response, this.pending(this.pendingPrefix + this.requests.nameOf(state), '', DELETED));
  }

  clearAllPending({ headers }: PlatformRequest, response: PlatformResponse): void {
    this.deletePending(response, cookieNames(headers.cookie, this.pendingPrefix));
  }

  private evictPending(request: PlatformRequest, response: PlatformResponse, newBytes: number): void {
    const newestFirst = this.allPending(request).sort((left, right) => right.createdAt - left.createdAt);
    const excess: string[] = [];
    let [count, bytes] = [1, newBytes];
    for (const { name, bytes: size, createdAt } of newestFirst) {
      count += 1;
      bytes += size;
      if (createdAt === 0 || count > MAX_PENDING || bytes > MAX_PENDING_BYTES) excess.push(name);
    }
    this.deletePending(response, excess);
  }

  private deletePending(response: PlatformResponse, names: readonly string[]): void {
    for (const name of names.slice(0, MAX_DELETIONS)) {
      this.platform.addCookie(response, this.pending(name, '', DELETED));
    }
  }

  /** `createdAt` is 0 for what is expired or cannot be read. */
  private allPending({ headers }: PlatformRequest): Pending[] {
    return [...cookiesWithPrefix(headers.cookie, this.pendingPrefix)].map(([name, value]) => {
      const request = this.requests.unseal(value, name.slice(this.pendingPrefix.length));
      const createdAt = request && !this.requests.isExpired(request) ? request.createdAt : 0;
      return { name, bytes: name.length + value.length, createdAt };
    });
  }

  private session(name: string, value: string, lifetime: string | undefined): string {
    return this.serialize(name, value, lifetime, this.options.session.cookie.sameSite === 'strict' ? 'Strict' : 'Lax');
  }

  private pending(name: string, value: string, lifetime: string): string {
    return this.serialize(name, value, lifetime, 'Lax');
  }

  /** Deleting and setting differ in value and lifetime only: browsers match the rest (RFC 6265 §5.3). */
  private serialize(name: string, value: string, lifetime: string | undefined, sameSite: 'Lax' | 'Strict'): string {
    const attributes = [lifetime, 'Path=/', 'HttpOnly', this.options.base.secure && 'Secure', `SameSite=${sameSite}`];
    return [`${name}=${value}`, ...attributes.filter(Boolean)].join('; ');
  }
}
