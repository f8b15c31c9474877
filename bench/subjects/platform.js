import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

/** A controller with one handler, `GET /me`, and these decorators on its parameters and on itself. */
export function controllerOf(handler, parameters = [], decorators = []) {
  class MeController {
    me(...args) {
      return handler(...args);
    }
  }
  parameters.forEach((decorate, index) => decorate(MeController.prototype, 'me', index));
  const descriptor = Object.getOwnPropertyDescriptor(MeController.prototype, 'me');
  for (const decorate of [Get('me'), ...decorators]) decorate(MeController.prototype, 'me', descriptor);
  Controller()(MeController);
  return MeController;
}

/** A Nest application of these imports and this controller, with options for Nest. */
export async function createApp(platform, controller, imports = [], options = {}) {
  class AppModule {}
  Module({ imports, controllers: [controller] })(AppModule);
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  return NestFactory.create(AppModule, adapter, { logger: false, ...options });
}
