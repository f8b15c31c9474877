import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { LoginRequiredError, UnsupportedContextError } from '../common/errors.js';
import { isPending } from '../common/pending.js';
import type { Session } from '../session/session.js';
import { callerOf, type Caller } from './caller.js';
import { Cohort } from './cohort.js';
import { setCurrentSession } from './current-session.js';
import type { PlatformRequest } from './platform.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { RouteAccess, type RouteRules } from './route-access.js';
import { SocketSessions } from './socket-sessions.js';

type SocketCaller = Exclude<Caller, { kind: 'request' }>;

/**
 * Lets a request through when its user is logged in: HTTP, GraphQL, and the messages of a gateway whose adapter is ours.
 * Closed by default: `@Public()` and `@OptionalAuth()` open a handler, on a method before its class. A request that
 * changes state must come from one of our own pages, unless the route has `@SkipOriginCheck()`.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  private readonly cohort = new Cohort();

  constructor(
    @Inject(RouteAccess) private readonly routes: RouteAccess,
    @Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator,
    @Inject(SocketSessions) private readonly sockets: SocketSessions,
  ) {}

  /**
   * Lets a request wait for those that have come in with it (cohort.ts) before it looks whose it is.
   *
   * @throws LoginRequiredError, CrossOriginRequestError, UnsupportedContextError, StoreUnavailableError,
   *   RefreshUnavailableError
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    // A GraphQL request may ask for many fields, and a socket sends message after message: they were read long ago.
    if (context.getType() === 'http') await this.cohort.join();
    const rules = this.routes.of(context);
    if (rules.access === 'public') return true;
    const caller = callerOf(context);
    if (caller?.kind !== 'request') return this.admit(context, caller, rules);
    const session = this.sessionOfRequest(caller.owner, rules);
    // To await what is at hand, or to hand on a promise, costs a turn of its own.
    return admitted(caller.owner, isPending(session) ? await session : session);
  }

  /** @internal Nest asks global filters about no gateway, so what its client is told comes from its guards. */
  asToldTo(context: ExecutionContext, error: unknown): unknown {
    return context.getType() === 'ws' ? this.sockets.exceptionFor(context.getArgs<[object]>()[0], error) : error;
  }

  private sessionOfRequest(
    request: PlatformRequest,
    { access, skipsOriginCheck }: RouteRules,
  ): Session | Promise<Session | undefined> {
    const pages = skipsOriginCheck ? 'any' : 'own';
    return access === 'optional' ? this.authenticator.find(request, pages) : this.authenticator.require(request, pages);
  }

  private async admit(
    context: ExecutionContext,
    caller: SocketCaller | undefined,
    { access }: RouteRules,
  ): Promise<true> {
    try {
      if (!caller) throw new UnsupportedContextError(context.getType());
      const isOptional = access === 'optional';
      const session = await this.sessionOf(caller, isOptional);
      if (!session && !isOptional) throw new LoginRequiredError('Nobody is logged in.');
      return admitted(caller.owner, session);
    } catch (error) {
      throw this.asToldTo(context, error);
    }
  }

  private sessionOf(caller: SocketCaller, anonymous: boolean): Promise<Session | undefined> {
    return caller.kind === 'upgraded'
      ? this.sockets.sessionOfUpgrade(caller.connection, { anonymous })
      : this.sockets.sessionOf(caller.owner);
  }
}

function admitted(owner: object, session: Session | undefined): true {
  if (session) setCurrentSession(owner, session);
  return true;
}
