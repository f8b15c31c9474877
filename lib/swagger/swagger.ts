import type { INestApplication, INestApplicationContext, Type } from '@nestjs/common';
import { GUARDS_METADATA, METHOD_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import {
  ApiSecurity,
  SwaggerModule,
  type DocumentBuilder,
  type OpenAPIObject,
  type SwaggerDocumentOptions,
} from '@nestjs/swagger';
import { AuthGuard } from '../http/auth.guard.js';
import { ACCESS_METADATA, type Access } from '../http/decorators.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';

/** Name of the security scheme in the document. */
export const OIDC_SECURITY = 'oidc-session';

const MARKED = 'nest-oidc:documented';

type Handler = (...args: never[]) => unknown;

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** What the library answers in place of the handler (the README has the whole table). */
const ANSWERS: Readonly<Record<string, string>> = {
  401: 'Nobody is logged in. A page is redirected to the login instead.',
  403: 'The request changes something and comes from another origin, or the user may not do this.',
  503: 'The session store or the OpenID Provider is away; try again after `Retry-After` seconds.',
};

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

/**
 * Makes the OpenAPI document of an application, in place of `SwaggerModule.createDocument`: with the session cookie as a
 * security scheme, and every route that the AuthGuard protects marked with it and with what it may answer. `@Public()`
 * routes stay unmarked; with `@OptionalAuth()` the cookie is optional. A controller's own routes: those of a base class, which
 * several may share, are marked there with {@link ApiOidcAuth}.
 */
export function createOidcDocument(
  app: INestApplication,
  builder: DocumentBuilder,
  options?: SwaggerDocumentOptions,
): OpenAPIObject {
  const { session } = app.get<ResolvedOptions>(RESOLVED_OPTIONS, { strict: false });
  const description = 'Set by the login; browsers log in by opening the login route as a page.';
  builder.addCookieAuth(session.cookie.name, { type: 'apiKey', in: 'cookie', description }, OIDC_SECURITY);
  markProtected(app);
  return withAnswers(SwaggerModule.createDocument(app, builder.build(), options));
}

/**
 * Marks a route, or the routes that a controller declares itself, as {@link createOidcDocument} does. For those that are
 * protected in a way that it cannot see, e.g. by a guard of the application's own that asks the AuthGuard.
 */
export function ApiOidcAuth(): ClassDecorator & MethodDecorator {
  return (target: object, _name?: string | symbol, descriptor?: { readonly value?: unknown }): void => {
    const handlers = descriptor ? [descriptor.value as Handler] : handlersOf(target as Type);
    const controller = descriptor ? target.constructor : target;
    for (const handler of handlers) mark(handler, accessOf(handler, controller));
  };
}

function markProtected(app: INestApplicationContext): void {
  const guards = app.get(ApplicationConfig).getGlobalGuards();
  const isGlobal = guards.some((guard) => guard instanceof AuthGuard);
  for (const controller of controllersOf(app)) {
    for (const handler of handlersOf(controller)) {
      if (isGlobal || isGuarded(controller) || isGuarded(handler)) mark(handler, accessOf(handler, controller));
    }
  }
}

function controllersOf(app: INestApplicationContext): Type[] {
  const modules = [...app.get(ModulesContainer).values()];
  return modules.flatMap(({ controllers }) => [...controllers.values()].map(({ metatype }) => metatype as Type));
}

/** The methods that answer a route. */
function handlersOf(controller: Type): Handler[] {
  const methods = Object.values(Object.getOwnPropertyDescriptors(controller.prototype as object));
  return methods
    .map(({ value }) => value as unknown)
    .filter((value): value is Handler => typeof value === 'function' && Reflect.hasMetadata(METHOD_METADATA, value));
}

/** A method's decorator counts before its class's. */
function accessOf(handler: Handler, controller: object): Access | undefined {
  const access: unknown =
    Reflect.getMetadata(ACCESS_METADATA, handler) ?? Reflect.getMetadata(ACCESS_METADATA, controller);
  return access as Access | undefined;
}

function isGuarded(target: object): boolean {
  const guards = (Reflect.getMetadata(GUARDS_METADATA, target) ?? []) as readonly unknown[];
  return guards.some(
    (guard) => guard === AuthGuard || (typeof guard === 'function' && guard.prototype instanceof AuthGuard),
  );
}

/** Once, however many documents are made. */
function mark(handler: Handler, access: Access | undefined): void {
  if (access === 'public' || Reflect.hasMetadata(MARKED, handler)) return;
  Reflect.defineMetadata(MARKED, true, handler);
  if (access === 'optional') ApiSecurity({})(handler, '', { value: handler });
  ApiSecurity(OIDC_SECURITY)(handler, '', { value: handler });
}

/**
 * Adds what marked routes may answer, where the application does not describe it itself. Afterwards: with responses of its
 * own, a handler would lose those that Swagger reads off its return type.
 */
function withAnswers(document: OpenAPIObject): OpenAPIObject {
  for (const operation of operationsOf(document)) {
    const security = operation.security ?? [];
    if (!security.some((requirement) => OIDC_SECURITY in requirement)) continue;
    const isOptional = security.some((requirement) => Object.keys(requirement).length === 0);
    for (const [status, description] of Object.entries(ANSWERS)) {
      if (!isOptional || status === '403') operation.responses[status] ??= answer(description);
    }
  }
  return document;
}

function operationsOf({ paths }: OpenAPIObject): Operation[] {
  return Object.values(paths).flatMap((path) => METHODS.flatMap((method) => path[method] ?? []));
}

function answer(description: string): Operation['responses'][string] {
  const properties = {
    error: { type: 'string', description: 'A stable code.', example: 'login_required' },
    correlationId: { type: 'string', description: 'Ties the answer to a log line, where there is one.' },
  };
  const schema = { type: 'object', required: Object.keys(properties), properties };
  return { description, content: { 'application/json': { schema } } };
}
