import type { Claims } from '../common/claims.js';
import type { Session, SessionHead } from './session.js';

/** The frozen object that applications see. It knows the cookie's value, for the library, and shows it to nobody. */
export class SessionView implements Session {
  readonly id: string;
  readonly issuer: string;
  readonly sub: string;
  readonly sid: string | undefined;
  readonly claims: Claims;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly absoluteExpiresAt: number;
  readonly accessTokenExpiresAt: number | undefined;
  readonly scope: string | undefined;
  readonly #token: string;

  /** @param claims those of the head, frozen */
  constructor(id: string, token: string, head: SessionHead, claims: Claims, expiresAt: number) {
    this.id = id;
    this.issuer = claims.iss;
    this.sub = claims.sub;
    this.sid = claims.sid;
    this.claims = claims;
    this.createdAt = head.createdAt;
    this.expiresAt = Math.min(expiresAt, head.absoluteExpiresAt);
    this.absoluteExpiresAt = head.absoluteExpiresAt;
    this.accessTokenExpiresAt = head.accessToken.expiresAt;
    this.scope = head.accessToken.scope;
    this.#token = token;
    Object.freeze(this);
  }

  /** The cookie's value of a session that this library has made; `undefined` for anything else. */
  static tokenOf(candidate: object): string | undefined {
    return #token in candidate ? candidate.#token : undefined;
  }
}
