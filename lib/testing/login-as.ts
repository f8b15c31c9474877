import type { INestApplicationContext } from '@nestjs/common';
import type { Claims, ClaimValue } from '../common/claims.js';
import { CLOCK, type Clock } from '../common/clock.js';
import { randomToken } from '../common/random.js';
import { SessionOpener } from '../login/session-opener.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { sessionExpiryOf } from '../provider/id-token.js';
import type { TokenSet } from '../provider/token-set.js';
import { SessionDirectory } from '../session/session-directory.js';
import { SessionRepository } from '../session/session-repository.js';
import type { Device, Session } from '../session/session.js';

/** Who a test logs in. `sub` names the user; what else an application reads from its claims, such as roles, goes beside it. */
export interface TestClaims {
  /** Subject: the user at the provider. */
  readonly sub: string;
  /** Always the issuer of the options. */
  readonly iss?: never;
  readonly [name: string]: ClaimValue | undefined;
}

/** What {@link loginAs} puts into the session beside the claims. */
export interface LoginAsOptions {
  /** What `TokenService.getAccessToken` answers. @default random text */
  readonly accessToken?: string | undefined;
  /** Seconds, 0 or more; with 0 it has expired already. @default 3600 */
  readonly accessTokenLifetime?: number | undefined;
  /** What is presented when the access token is due. @default none: an expired access token asks for a login */
  readonly refreshToken?: string | undefined;
  /** @default none: the provider's logout gets no `id_token_hint` */
  readonly idToken?: string | undefined;
  /** @default the option `login.scope` */
  readonly scope?: string | undefined;
  /** What `SessionService.list` shows of the browser. @default nothing */
  readonly device?: Device | undefined;
}

/** A session that {@link loginAs} has made, in the forms that HTTP clients take. */
export interface TestLogin {
  /** Value of the `Cookie` header: `sid=…`, or `__Host-sid=…` where `baseUrl` is `https:`. */
  readonly cookie: string;
  /** For `supertest(…).set(headers)`, Fastify's `inject({ headers })` and `fetch(url, { headers })`. */
  readonly headers: { readonly cookie: string };
  /** The session as handlers see it; `TokenService` takes it as well. */
  readonly session: Session;
  /** The access token that is in it. */
  readonly accessToken: string;
}

/**
 * Logs a user in without a provider: makes a real session in the store of the running application, as a login would.
 * The claims are the session's as they are: `mapClaims` is not asked. `session.maxPerUser` counts.
 *
 * @throws Error when the application has no `OidcModule`
 * @throws StoreUnavailableError
 */
export async function loginAs(
  app: INestApplicationContext,
  claims: TestClaims,
  options: LoginAsOptions = {},
): Promise<TestLogin> {
  const { resolved, clock, sessions, directory, opener } = servicesOf(app);
  const tokens = tokensFrom(options, clock.now(), resolved.login.scope);
  const issuedAt = Math.floor(clock.now() / 1000);
  const { token, session } = await sessions.create(
    claimsOf(claims, issuedAt, tokens, resolved),
    tokens,
    options.device,
    sessionExpiryOf(claims),
  );
  await directory.enter(session, issuedAt * 1000);
  await opener.keepLimit(session);
  const cookie = `${resolved.session.cookie.name}=${token}`;
  return { cookie, headers: { cookie }, session, accessToken: tokens.accessToken };
}

interface Services {
  readonly resolved: ResolvedOptions;
  readonly clock: Clock;
  readonly sessions: SessionRepository;
  readonly directory: SessionDirectory;
  readonly opener: SessionOpener;
}

function servicesOf(app: INestApplicationContext): Services {
  const anywhere = { strict: false };
  try {
    return {
      resolved: app.get<ResolvedOptions>(RESOLVED_OPTIONS, anywhere),
      clock: app.get<Clock>(CLOCK, anywhere),
      sessions: app.get(SessionRepository, anywhere),
      directory: app.get(SessionDirectory, anywhere),
      opener: app.get(SessionOpener, anywhere),
    };
  } catch (cause) {
    throw new Error(
      'This application has no OidcModule: import it in the module under test, from the same installation of nest-oidc.',
      { cause },
    );
  }
}

function tokensFrom(options: LoginAsOptions, now: number, defaultScope: string): TokenSet {
  const { accessToken = randomToken(), accessTokenLifetime = 3600, scope = defaultScope } = options;
  return {
    accessToken,
    tokenType: 'Bearer',
    issuedAt: now,
    expiresAt: now + accessTokenLifetime * 1000,
    refreshToken: options.refreshToken,
    refreshTokenExpiresAt: undefined,
    idToken: options.idToken,
    scope,
  };
}

/** With those that every ID token has (OpenID Connect Core 1.0 §2). */
function claimsOf(claims: TestClaims, iat: number, { expiresAt }: TokenSet, resolved: ResolvedOptions): Claims {
  const exp = Math.floor((expiresAt ?? 0) / 1000);
  return { aud: resolved.clientId, iat, exp, ...claims, iss: resolved.issuer };
}
