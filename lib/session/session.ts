import { LoginRequiredError } from '../common/errors.js';
import type { Claims } from '../common/claims.js';
import type { TokenSet } from '../provider/token-set.js';

/** A user's session, as applications see it. Frozen. Points in time are epoch milliseconds. */
export interface Session {
  /** Hash of the session id in the cookie: names the session in logs and administration, and opens nothing. */
  readonly id: string;
  readonly issuer: string;
  readonly sub: string;
  /** The provider's own session, where it names one. */
  readonly sid: string | undefined;
  readonly claims: Claims;
  readonly createdAt: number;
  /** When the session ends if nothing happens until then. */
  readonly expiresAt: number;
  /** When it ends whatever happens. */
  readonly absoluteExpiresAt: number;
  /** When its access token expires; `undefined` when the provider did not say. */
  readonly accessTokenExpiresAt: number | undefined;
  /** What its access token was granted, separated by spaces (RFC 6749 §3.3). */
  readonly scope: string | undefined;
}

/** Where a login came from, as far as the application has it recorded (`session.recordDevice`). */
export interface Device {
  /** The IP address that the platform saw (`request.ip`). */
  readonly address?: string | undefined;
  /** The `User-Agent` header, cut to 256 characters. */
  readonly agent?: string | undefined;
}

/** What is known of a session without the user's cookie. */
export interface SessionOrigin extends Device {
  readonly createdAt: number;
}

/** A session as administration sees it. Points in time are epoch milliseconds. */
export interface SessionSummary extends SessionOrigin {
  /** As `Session.id`: names the session, and opens nothing. */
  readonly id: string;
  /** When it was last used, to a minute or a tenth of the idle timeout. */
  readonly lastSeenAt: number;
  /** When it ends if nothing happens until then. */
  readonly expiresAt: number;
}

/** What every request needs; kept apart from the tokens, which are opened only when they are asked for. */
export interface SessionHead {
  readonly claims: Claims;
  readonly createdAt: number;
  readonly absoluteExpiresAt: number;
  readonly accessToken: {
    readonly issuedAt: number;
    readonly expiresAt?: number;
    readonly refreshable: boolean;
    readonly refreshTokenExpiresAt?: number;
    readonly scope?: string;
  };
}

/** A session as it was read, with what is needed to write it again. Never leaves the library. */
export interface LoadedSession {
  readonly session: Session;
  readonly head: SessionHead;
  readonly generation: number;
  /** The cookie's value. */
  readonly token: string;
  /** When it was last used, as the store knows. Epoch milliseconds. */
  readonly lastSeenAt: number;
  /** As it was read. */
  readonly sealed: Uint8Array;
  /** Opens the sealed tokens. @throws LoginRequiredError when they are damaged */
  readonly tokens: () => TokenSet;
}

/** A session that is looked for; already found where nothing has to be waited for. */
export type Loading = LoadedSession | Promise<LoadedSession | undefined>;

export const NOBODY: Loading = Promise.resolve(undefined);

export function isLoaded(loading: Loading): loading is LoadedSession {
  return 'session' in loading;
}

/** The tokens of a session; `undefined` when they are damaged: no reason to keep its end, or a new login, from happening. */
export function undamagedTokens(loaded: LoadedSession): TokenSet | undefined {
  try {
    return loaded.tokens();
  } catch (error) {
    if (error instanceof LoginRequiredError) return undefined;
    throw error;
  }
}

/** The head of a session that holds these tokens. */
export function headWith(head: Omit<SessionHead, 'accessToken'>, tokens: TokenSet): SessionHead {
  return {
    claims: head.claims,
    createdAt: head.createdAt,
    absoluteExpiresAt: head.absoluteExpiresAt,
    accessToken: {
      issuedAt: tokens.issuedAt,
      refreshable: tokens.refreshToken !== undefined,
      ...(tokens.expiresAt === undefined ? {} : { expiresAt: tokens.expiresAt }),
      ...(tokens.refreshTokenExpiresAt === undefined ? {} : { refreshTokenExpiresAt: tokens.refreshTokenExpiresAt }),
      ...(tokens.scope === undefined ? {} : { scope: tokens.scope }),
    },
  };
}

/** What of the tokens is not in the head. */
export type TokenSecrets = Pick<TokenSet, 'accessToken' | 'tokenType' | 'refreshToken' | 'idToken'>;

export function secretsOf({ tokenType, accessToken, refreshToken, idToken }: TokenSet): TokenSecrets {
  return { tokenType, accessToken, refreshToken, idToken };
}

/** The opposite of {@link headWith} and {@link secretsOf}. */
export function tokensWith({ accessToken }: SessionHead, secrets: TokenSecrets): TokenSet {
  return {
    accessToken: secrets.accessToken,
    tokenType: secrets.tokenType,
    expiresAt: accessToken.expiresAt,
    issuedAt: accessToken.issuedAt,
    refreshToken: secrets.refreshToken,
    refreshTokenExpiresAt: accessToken.refreshTokenExpiresAt,
    idToken: secrets.idToken,
    scope: accessToken.scope,
  };
}

/** The earliest of: idle timeout from now, absolute lifetime, the refresh token's own end where it is known. */
export function expiryOf(head: SessionHead, now: number, idleTimeoutMs: number): number {
  return Math.min(
    now + idleTimeoutMs,
    head.absoluteExpiresAt,
    head.accessToken.refreshTokenExpiresAt ?? Number.POSITIVE_INFINITY,
  );
}
