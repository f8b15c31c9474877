import { SetMetadata, UseGuards } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthorizationGuard } from './authorization.guard.js';
import { REQUIREMENTS_METADATA, type ClaimExpectation, type Requirement } from './requirements.js';

type Names = readonly [string, ...string[]];

/**
 * Asks for scopes that the access token was granted: all of them. A route, or all routes of a controller. Who lacks one
 * gets 403.
 *
 * @throws TypeError without a scope, or for what cannot be one (RFC 6749 §3.3)
 */
export function RequireScopes(...scopes: Names): ClassDecorator & MethodDecorator {
  refuseUnusable('RequireScopes', scopes, /^[\u0021\u0023-\u005b\u005d-\u007e]+$/u);
  return requires({ kind: 'scopes', scopes });
}

/**
 * Asks for roles of the user: any of them. They are read from the claim that the option `authorization.rolesClaim` names.
 * Who has none of them gets 403.
 *
 * @throws TypeError without a role
 */
export function Roles(...roles: Names): ClassDecorator & MethodDecorator {
  refuseUnusable('Roles', roles, /./u);
  return requires({ kind: 'roles', roles });
}

/**
 * Asks for claims of the user: all of them. Each is expected to be a value, one of a list of values, or what a function
 * answers `true` for. A claim that is itself a list needs one item as expected. An absent claim is no value: only a
 * function can take it. Who lacks one gets 403.
 *
 * @throws TypeError without a claim, or for a value that is `undefined`, as an unset setting is
 */
export function RequireClaims(claims: Readonly<Record<string, ClaimExpectation>>): ClassDecorator & MethodDecorator {
  const entries = Object.entries(claims);
  if (entries.length === 0 || !entries.every(([, expected]) => isUsable(expected))) {
    throw new TypeError(
      '@RequireClaims() needs at least one claim, each with a value, a list of values, or a function.',
    );
  }
  return requires({ kind: 'claims', claims: new Map(entries) });
}

function isUsable(expected: ClaimExpectation | undefined): boolean {
  return expected !== undefined && (!Array.isArray(expected) || expected.length > 0);
}

/** The guard comes with the first requirement of a target; further ones only add to what it asks for. */
function requires(requirement: Requirement): ClassDecorator & MethodDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const subject = (descriptor?.value ?? target) as Parameters<Reflector['get']>[1];
    const others = new Reflector().get<readonly Requirement[] | undefined>(REQUIREMENTS_METADATA, subject);
    const decorators = [
      SetMetadata(REQUIREMENTS_METADATA, [...(others ?? []), requirement]),
      ...(others ? [] : [UseGuards(AuthorizationGuard)]),
    ];
    for (const decorate of decorators as MethodDecorator[]) {
      decorate(target, key as string, descriptor as PropertyDescriptor);
    }
  };
}

/** A requirement of nothing would let everybody in, or nobody. */
function refuseUnusable(decorator: string, names: readonly unknown[], form: RegExp): void {
  if (names.length > 0 && names.every((name) => typeof name === 'string' && form.test(name))) return;
  throw new TypeError(`@${decorator}() needs at least one name, each a text of its own.`);
}
