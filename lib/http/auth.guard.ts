import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { LoginRequiredError, UnsupportedContextError } from '../common/errors.js';
import type { Session } from '../session/session.js';
import { callerOf, type Caller } from './caller.js';
import { setCurrentSession } from './current-session.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { RouteAccess, type RouteRules } from './route-access.js';
import { SocketSessions } from './socket-sessions.js';

/**
 * Lets a request through when its user is logged in: HTTP, GraphQL, and the messages of a gateway whose adapter is ours.
 * Closed by default: `@Public()` and `@OptionalAuth()` open a handler, on a method before its class. A request that
 * changes state must come from one of our own pages, unless the route has `@SkipOriginCheck()`.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(RouteAccess) private readonly routes: RouteAccess,
    @Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator,
    @Inject(SocketSessions) private readonly sockets: SocketSessions,
  ) {}

  /**
   * @throws LoginRequiredError, CrossOriginRequestError, UnsupportedContextError, StoreUnavailableError,
   *   RefreshUnavailableError
   */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const rules = this.routes.of(context);
    // Nest waits for no guard that answers at once.
    return rules.access === 'public' || this.admit(context, rules);
  }

  /** For the library itself: Nest asks global filters about no gateway, so what its client is told comes from its guards. */
  asToldTo(context: ExecutionContext, error: unknown): unknown {
    return context.getType() === 'ws' ? this.sockets.exceptionFor(context.getArgs<[object]>()[0], error) : error;
  }

  private async admit(context: ExecutionContext, { access, skipsOriginCheck }: RouteRules): Promise<true> {
    try {
      const caller = callerOf(context);
      if (!caller) throw new UnsupportedContextError(context.getType());
      const session = await this.sessionOf(caller, access === 'optional', skipsOriginCheck);
      if (session) setCurrentSession(caller.owner, session);
      return true;
    } catch (error) {
      throw this.asToldTo(context, error);
    }
  }

  private sessionOf(caller: Caller, optional: boolean, skipsOriginCheck: boolean): Promise<Session | undefined> {
    switch (caller.kind) {
      case 'request': {
        const pages = skipsOriginCheck ? 'any' : 'own';
        return optional
          ? this.authenticator.find(caller.owner, pages)
          : this.authenticator.require(caller.owner, pages);
      }
      case 'upgraded':
        return this.sockets.sessionOfUpgrade(caller.connection, { anonymous: optional });
      case 'socket':
        return this.sessionOfSocket(caller.owner, optional);
      default:
        return caller satisfies never;
    }
  }

  private async sessionOfSocket(socket: object, optional: boolean): Promise<Session | undefined> {
    const session = await this.sockets.sessionOf(socket);
    if (!session && !optional) throw new LoginRequiredError('Nobody is logged in.');
    return session;
  }
}
