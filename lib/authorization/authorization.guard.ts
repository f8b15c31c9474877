import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { LoginRequiredError } from '../common/errors.js';
import { AuthGuard } from '../http/auth.guard.js';
import { currentSession, currentSessionIn } from '../http/current-session.js';
import { ACCESS_METADATA, type Access } from '../http/decorators.js';
import type { PlatformRequest } from '../http/platform.js';
import { SessionService } from '../session/session.service.js';
import type { Session } from '../session/session.js';
import { AccessDeniedError } from './access-denied-error.js';
import { Authorizer } from './authorizer.js';
import { effectiveRequirements, REQUIREMENTS_METADATA, type Requirement } from './requirements.js';

/**
 * Lets a logged-in user through who has what the route requires. `@RequireScopes()`, `@RequireClaims()` and `@Roles()`
 * bring it along, so that none of them can be without effect. It sees to the login itself where no {@link AuthGuard} has.
 */
@Injectable()
export class AuthorizationGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(AuthGuard) private readonly authGuard: AuthGuard,
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(Authorizer) private readonly authorizer: Authorizer,
  ) {}

  /** @throws AccessDeniedError, and what AuthGuard throws */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      return await this.judge(context);
    } catch (error) {
      throw this.authGuard.asToldTo(context, error);
    }
  }

  private async judge(context: ExecutionContext): Promise<boolean> {
    const [method, type] = [context.getHandler(), context.getClass()];
    const requirements = effectiveRequirements(this.requirementsOf(method), this.requirementsOf(type));
    if (requirements.length === 0) return true;
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS_METADATA, [method, type]);
    // Whoever wrote it meant one or the other. Nobody gets in by a guess.
    if (access === 'public') throw new AccessDeniedError('public_route');
    const session = await this.sessionOf(context);
    if (!session) throw new LoginRequiredError('Nobody is logged in.');
    this.authorizer.require(session, requirements);
    return true;
  }

  /** A request that this application's guard has looked at before is not looked at again. */
  private async sessionOf(context: ExecutionContext): Promise<Session | undefined> {
    if (context.getType() === 'http') {
      const request = context.getArgs<[PlatformRequest]>()[0];
      const known = this.sessions.hasLoaded(request) ? currentSession(request) : undefined;
      if (known) return known;
    }
    // A socket is looked at for each of its messages, a GraphQL request for each field: each has rules of its own.
    await this.authGuard.canActivate(context);
    return currentSessionIn(context);
  }

  private requirementsOf(target: Parameters<Reflector['get']>[1]): readonly Requirement[] | undefined {
    return this.reflector.get<readonly Requirement[] | undefined>(REQUIREMENTS_METADATA, target);
  }
}
