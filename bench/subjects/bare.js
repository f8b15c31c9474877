import { createParamDecorator, Module, UnauthorizedException } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { controllerOf, createApp } from './platform.js';
import { COOKIE, SUB } from './session.js';

class YesGuard {
  canActivate() {
    return true;
  }
}

/** As the library's guard: each waits until all that have come in with it are read. */
class CohortGuard {
  canActivate() {
    return (this.forming ??= new Promise((go) => setImmediate(() => this.depart(go))));
  }

  depart(go) {
    this.forming = undefined;
    go(true);
  }
}

/** Wants a cookie header that it knows, letter by letter: it parses nothing, checks no time, and all share one user. */
class LookupGuard {
  users = new Map([[COOKIE, Object.freeze({ sub: SUB })]]);

  canActivate(context) {
    const request = context.switchToHttp().getRequest();
    request.user = this.users.get(request.headers.cookie);
    if (!request.user) throw new UnauthorizedException();
    return true;
  }
}

/** A module whose guard stands in front of every route. */
function guardedBy(useClass) {
  class GuardModule {}
  Module({ providers: [{ provide: APP_GUARD, useClass }] })(GuardModule);
  return GuardModule;
}

/** A handler gets its user from a decorator, as that of the library does; only that here it is always the same one. */
export const Sub = createParamDecorator(() => SUB);

const UserSub = createParamDecorator((_data, context) => context.switchToHttp().getRequest().user.sub);

/** Nest and nothing else: what every request costs anyway. */
export const bare = (platform) => answering(platform, { isOpen: true });

/** The same with a global guard that lets everybody through: what Nest takes for any guard, whatever it does. */
export const guard = (platform) => answering(platform, { isOpen: true, imports: [guardedBy(YesGuard)] });

/** The same with a guard that lets requests go on together that came in together, whoever sends them. */
export const cohort = (platform) => answering(platform, { isOpen: true, imports: [guardedBy(CohortGuard)] });

/** The same with a guard that finds the user in a `Map`: the least that a session costs where the process has it already. */
export const lookup = (platform) =>
  answering(platform, { isOpen: false, imports: [guardedBy(LookupGuard)], user: UserSub });

async function answering(platform, { isOpen, imports, user = Sub }) {
  const controller = controllerOf((sub) => ({ sub }), [user()]);
  return { app: await createApp(platform, controller, imports), headers: { cookie: COOKIE }, isOpen };
}
