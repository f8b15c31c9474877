import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ACCESS_METADATA, SKIP_ORIGIN_CHECK_METADATA, type Access } from './decorators.js';

/** What the decorators of a handler and of its class say about who may use it. */
export interface RouteRules {
  readonly access: Access | undefined;
  readonly skipsOriginCheck: boolean;
}

type Handler = ReturnType<ExecutionContext['getHandler']>;
type Controller = ReturnType<ExecutionContext['getClass']>;

/** Reads the rules of each route once: they do not change while an application runs. */
@Injectable()
export class RouteAccess {
  /** By handler, then by class: classes may share an inherited handler. */
  private readonly known = new WeakMap<Handler, WeakMap<Controller, RouteRules>>();

  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  of(context: ExecutionContext): RouteRules {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    return this.known.get(handler)?.get(controller) ?? this.read(handler, controller);
  }

  private read(handler: Handler, controller: Controller): RouteRules {
    const read = <T>(key: string): T | undefined =>
      this.reflector.getAllAndOverride<T | undefined>(key, [handler, controller]);
    const rules = {
      access: read<Access>(ACCESS_METADATA),
      skipsOriginCheck: read<boolean>(SKIP_ORIGIN_CHECK_METADATA) === true,
    };
    const ofHandler = this.known.get(handler) ?? new WeakMap<Controller, RouteRules>();
    this.known.set(handler, ofHandler.set(controller, rules));
    return rules;
  }
}
