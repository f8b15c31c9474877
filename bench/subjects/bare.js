import { createParamDecorator, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { controllerOf, createApp } from './platform.js';
import { COOKIE, SUB } from './session.js';

class YesGuard {
  canActivate() {
    return true;
  }
}

class GuardModule {}
Module({ providers: [{ provide: APP_GUARD, useClass: YesGuard }] })(GuardModule);

/** A handler gets its user from a decorator, as that of the library does; only that here it is always the same one. */
export const Sub = createParamDecorator(() => SUB);

/** Nest and nothing else: what every request costs anyway. */
export const bare = (platform) => answering(platform, []);

/** The same with a global guard that lets everybody through: what Nest takes for any guard, whatever it does. */
export const guard = (platform) => answering(platform, [GuardModule]);

async function answering(platform, imports) {
  const app = await createApp(
    platform,
    controllerOf((sub) => ({ sub }), [Sub()]),
    imports,
  );
  return { app, headers: { cookie: COOKIE }, isOpen: true };
}
