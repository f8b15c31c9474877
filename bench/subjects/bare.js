import { Module } from '@nestjs/common';
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

/** Nest and nothing else: what every request costs anyway. */
export const bare = (platform) => answering(platform, []);

/** The same with a global guard that lets everybody through: what Nest takes for any guard, whatever it does. */
export const guard = (platform) => answering(platform, [GuardModule]);

async function answering(platform, imports) {
  const app = await createApp(
    platform,
    controllerOf(() => ({ sub: SUB })),
    imports,
  );
  return { app, headers: { cookie: COOKIE }, isOpen: true };
}
