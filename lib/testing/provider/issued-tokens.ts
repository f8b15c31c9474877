import { randomToken } from '../../common/random.js';
import type { TestClaims } from '../login-as.js';

/** What a user granted in one login. Everything that is issued for it ends with it. */
export interface Grant {
  readonly claims: TestClaims;
  /** The provider's session. */
  readonly sid: string;
  readonly scope: string;
  /** When the user logged in. Epoch seconds. */
  readonly authTime: number;
  /** Revoked, logged out, or given up since a token that may be used once came twice. */
  ended: boolean;
}

interface Issued<T> {
  readonly grant: Grant;
  readonly data: T;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  used: boolean;
}

/** Opaque tokens of one kind. */
export class IssuedTokens<T = undefined> {
  /** How often a token came again after its only use. */
  reuses = 0;
  private readonly issued = new Map<string, Issued<T>>();

  constructor(private readonly now: () => number) {}

  issue(grant: Grant, data: T, lifetimeSeconds: number): string {
    const token = randomToken();
    this.issued.set(token, { grant, data, expiresAt: this.now() + lifetimeSeconds * 1000, used: false });
    return token;
  }

  /** What a token stands for while it is good. */
  find(token: string): Pick<Issued<T>, 'grant' | 'data'> | undefined {
    const found = this.issued.get(token);
    return found && !found.grant.ended && found.expiresAt > this.now() ? found : undefined;
  }

  /** Uses a token up. Coming again, it ends the grant: somebody has it who should not (RFC 6749 §4.1.2, RFC 9700 §4.14.2). */
  use(token: string): Pick<Issued<T>, 'grant' | 'data'> | undefined {
    const found = this.issued.get(token);
    if (found?.used) {
      this.reuses += 1;
      found.grant.ended = true;
    }
    const good = this.find(token);
    if (found && good) found.used = true;
    return good;
  }
}
