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
import { currentSession } from './current-session.js';

/** Who may use a route: everybody, without a look at who it is; everybody, known or not; users only (the default). */
export type Access = 'public' | 'optional';

export const ACCESS_METADATA = 'nest-oidc:access';

/** Opens a route, or all routes of a controller, to everybody. The session is not even read. */
export const Public = (): CustomDecorator => SetMetadata(ACCESS_METADATA, 'public' satisfies Access);

/**
 * Opens a route to everybody and tells it who it is, if anybody is logged in. When that cannot be found out, because the
 * store does not answer, the route serves a visitor whom it does not know. It does not wait for a refresh.
 */
export const OptionalAuth = (): CustomDecorator => SetMetadata(ACCESS_METADATA, 'optional' satisfies Access);

/** Written out, because what Nest 12 makes of it names a type that Nest 11 does not have. */
type UserDecorator<Data> = (...dataOrPipes: (Data | PipeTransform | Type<PipeTransform>)[]) => ParameterDecorator;

/** The user's claims, or one of them: `@CurrentUser() user`, `@CurrentUser('sub') sub`. `undefined` without a session. */
export const CurrentUser: UserDecorator<string> = createParamDecorator(
  (claim: string | undefined, context: ExecutionContext) => {
    const claims: Claims | undefined = currentSession(context.switchToHttp().getRequest<object>())?.claims;
    return claim === undefined ? claims : claims?.[claim];
  },
);

/** The user's {@link Session}. `undefined` without one. */
export const CurrentSession: UserDecorator<never> = createParamDecorator(
  (_data: undefined, context: ExecutionContext): Session | undefined =>
    currentSession(context.switchToHttp().getRequest<object>()),
);
