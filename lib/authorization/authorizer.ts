import { Inject, Injectable } from '@nestjs/common';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import type { Session } from '../session/session.js';
import { AccessDeniedError } from './access-denied-error.js';
import { claimAt, isAsExpected, textsOf } from './claim-value.js';
import type { Requirement } from './requirements.js';

/** Judges sessions by what routes require. Reads what the session holds, and asks nobody. */
@Injectable()
export class Authorizer {
  constructor(@Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions) {}

  /** @throws AccessDeniedError naming the kind of the first requirement that is not met */
  require(session: Session, requirements: readonly Requirement[]): void {
    const unmet = requirements.find((requirement) => !this.isMet(session, requirement));
    if (unmet) throw new AccessDeniedError(unmet.kind);
  }

  private isMet(session: Session, requirement: Requirement): boolean {
    switch (requirement.kind) {
      case 'scopes': {
        const granted = session.scope?.split(' ') ?? [];
        return requirement.scopes.every((scope) => granted.includes(scope));
      }
      case 'roles': {
        const held = textsOf(claimAt(session.claims, this.options.authorization.rolesClaim));
        return requirement.roles.some((role) => held.includes(role));
      }
      case 'claims':
        return [...requirement.claims].every(([name, expected]) =>
          isAsExpected(claimAt(session.claims, [name]), expected),
        );
      default:
        // What came past the types is met by nobody.
        return !(requirement satisfies never);
    }
  }
}
