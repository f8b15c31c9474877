import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { LoginRequiredError, UnsupportedContextError } from '../common/errors.js';
import type { Session } from '../session/session.js';
import { callerOf, type Caller } from './caller.js';
import { setCurrentSession } from './current-session.js';
import { ACCESS_METADATA, SKIP_ORIGIN_CHECK_METADATA, type Access } from './decorators.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { changesState } from './request-kind.js';
import { SocketSessions } from './socket-sessions.js';

/**
 * Lets a request through when its user is logged in: HTTP, GraphQL, and the messages of a gateway whose adapter is ours.
 * Closed by default: `@Public()` and `@OptionalAuth()` open a handler, on a method before its class. A request that
 * changes state must come from one of our own pages, unless the route has `@SkipOriginCheck()`.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator,
    @Inject(SocketSessions) private readonly sockets: SocketSessions,
  ) {}

  /**
   * @throws LoginRequiredError, CrossOriginRequestError, UnsupportedContextError, StoreUnavailableError,
   *   RefreshUnavailableError
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      return await this.judge(context);
    } catch (error) {
      throw this.asToldTo(context, error);
    }
  }

  /** For the library itself: Nest asks global filters about no gateway, so what its client is told comes from its guards. */
  asToldTo(context: ExecutionContext, error: unknown): unknown {
    return context.getType() === 'ws' ? this.sockets.exceptionFor(context.getArgs<[object]>()[0], error) : error;
  }

  private async judge(context: ExecutionContext): Promise<boolean> {
    const access = this.metadataOf<Access>(ACCESS_METADATA, context);
    if (access === 'public') return true;
    const caller = callerOf(context);
    if (!caller) throw new UnsupportedContextError(context.getType());
    const session = await this.sessionOf(caller, access === 'optional', context);
    if (session) setCurrentSession(caller.owner, session);
    return true;
  }

  private async sessionOf(caller: Caller, optional: boolean, context: ExecutionContext): Promise<Session | undefined> {
    switch (caller.kind) {
      case 'request': {
        const skipped = changesState(caller.owner) && this.metadataOf<boolean>(SKIP_ORIGIN_CHECK_METADATA, context);
        const pages = skipped ? 'any' : 'own';
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

  private metadataOf<T>(key: string, context: ExecutionContext): T | undefined {
    return this.reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
  }
}
