import {
  createParamDecorator,
  SetMetadata,
  type CustomDecorator,
  type ExecutionContext,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import type { Claims } from '../common/claims.js';
import type { Session } from '../session/session.js';
import { currentSessionIn } from './current-session.js';

/** Who may use an open route: everybody, without a look at who it is; everybody, known or not. Any other is for users only. */
export type Access = 'public' | 'optional';

export const ACCESS_METADATA = 'nest-oidc:access';
export const SKIP_ORIGIN_CHECK_METADATA = 'nest-oidc:skip-origin-check';

/**
 * Opens a route, or all routes of a controller, to everybody. The session is not even read, hence nothing is done in a
 * user's name and it does not matter where a request comes from: a `POST` route takes those of other sites too, as
 * webhooks need it. A handler that looks the session up by itself and changes something for that user wants
 * `@OptionalAuth()` instead, which checks the origin.
 */
export const Public = (): CustomDecorator => SetMetadata(ACCESS_METADATA, 'public' satisfies Access);

/**
 * Opens a route to everybody and tells it who it is, if anybody is logged in. When that cannot be found out, because the
 * store does not answer, the route serves a visitor whom it does not know. It does not wait for a refresh.
 */
export const OptionalAuth = (): CustomDecorator => SetMetadata(ACCESS_METADATA, 'optional' satisfies Access);

/**
 * Lets requests that change state reach a route, or all routes of a controller, from pages of any origin. Neither `Origin`
 * and `Sec-Fetch-Site` are looked at, nor the header that `csrfHeader` names. The user must be logged in as ever: it skips
 * no authentication. Such a handler acts in a user's name for whoever made that page, so it needs a proof of its own that
 * the user wants it, e.g. a signature. What has no session, as a webhook, wants `@Public()`; a whole origin that is
 * trusted, `allowedOrigins`. A page of another site brings no session cookie all the same (`SameSite`).
 *
 * @param skip `false` on a method whose class has the decorator: it is checked again. @default true
 */
export const SkipOriginCheck = (skip = true): CustomDecorator => SetMetadata(SKIP_ORIGIN_CHECK_METADATA, skip);

/** Written out, because what Nest 12 makes of it names a type that Nest 11 does not have. */
type UserDecorator<Data> = (...dataOrPipes: (Data | PipeTransform | Type<PipeTransform>)[]) => ParameterDecorator;

/** The user's claims, or one of them: `@CurrentUser() user`, `@CurrentUser('sub') sub`. `undefined` without a session. */
export const CurrentUser: UserDecorator<string> = createParamDecorator(
  (claim: string | undefined, context: ExecutionContext) => {
    const claims: Claims | undefined = currentSessionIn(context)?.claims;
    if (claim === undefined || claims === undefined) return claims;
    // Not `constructor` and the like, which every object has.
    return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  },
);

/** The user's {@link Session}. `undefined` without one. */
export const CurrentSession: UserDecorator<never> = createParamDecorator(
  (_data: undefined, context: ExecutionContext): Session | undefined => currentSessionIn(context),
);
