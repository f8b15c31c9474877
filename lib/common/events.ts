import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OidcErrorCode } from './errors.js';
import { OidcCounters } from './oidc-counters.js';
import { noTelemetry, TELEMETRY, type Telemetry } from './telemetry.js';

/** Why a session came to its end. */
export type SessionEndCause =
  | 'logout'
  | 'back_channel_logout'
  | 'front_channel_logout'
  /** By `SessionService.endOne`, `endOthers` or `endAll`. */
  | 'administration'
  /** A newer login of a user who had `session.maxPerUser` sessions. */
  | 'session_limit'
  | 'replaced_by_login'
  | 'refresh_refused'
  | 'subject_changed'
  /** A refreshed ID token said that the session is over (`session_expiry`). */
  | 'session_expiry'
  | 'corrupt';

/** Where a login came from, with the option `session.recordDevice`. */
export interface LoginOrigin {
  /** The IP address that the platform saw. */
  readonly address?: string;
  /** The `User-Agent` header, cut and in one line. */
  readonly agent?: string;
}

/**
 * Everything worth knowing from outside. Names are stable. `session` is the hash of the session id: safe in a log.
 * No event carries a token, code, cookie or secret, nor unsanitised text from outside. A listener is called at the moment
 * of the event: its time is now.
 */
export type OidcEvent =
  | { readonly name: 'login.started' }
  /** The `returnTo` that was asked for could have led to another site. The login goes on, to the default page. */
  | { readonly name: 'login.return_to_rejected' }
  | ({ readonly name: 'login.succeeded'; readonly session: string; readonly sub: string } & LoginOrigin)
  | ({ readonly name: 'login.failed'; readonly reason: string } & LoginOrigin)
  | { readonly name: 'session.ended'; readonly session: string; readonly cause: SessionEndCause }
  | { readonly name: 'session.unreadable'; readonly session: string; readonly reason: string }
  | { readonly name: 'session.duplicate_cookie' }
  /** The provider told of a logout. `sessions`: how many it ended. */
  | { readonly name: 'logout.back_channel' | 'logout.front_channel'; readonly sessions: number }
  /** A logout token that had been acted upon before: nothing was done. */
  | { readonly name: 'logout.replayed' }
  | { readonly name: 'token.revocation_failed'; readonly reason: string }
  | { readonly name: 'refresh.succeeded'; readonly session: string; readonly durationMs: number }
  /** The access token may do more than the one before, which no provider should let happen (RFC 6749 §6). */
  | { readonly name: 'refresh.scope_widened'; readonly session: string }
  | { readonly name: 'refresh.shared'; readonly session: string }
  | { readonly name: 'refresh.adopted'; readonly session: string }
  /** The token is due, cannot be refreshed now, and goes on serving. */
  | { readonly name: 'refresh.stale_but_valid'; readonly session: string }
  /** Refused after an attempt whose outcome was never learned: that attempt may have spent the token. */
  | { readonly name: 'refresh.reuse_suspected'; readonly session: string; readonly after: string }
  | { readonly name: 'refresh.refused'; readonly session: string }
  | { readonly name: 'refresh.misconfigured'; readonly session: string; readonly reason: string }
  | { readonly name: 'refresh.transient'; readonly session: string; readonly reason: string }
  | { readonly name: 'refresh.identity_rejected'; readonly session: string; readonly reason: string }
  | { readonly name: 'refresh.wait_timeout'; readonly session: string }
  | { readonly name: 'refresh.commit_retried'; readonly session: string }
  | { readonly name: 'request.cross_origin'; readonly reason: string }
  | { readonly name: 'provider.unavailable'; readonly reason: string }
  | { readonly name: 'provider.available' }
  /** `explanation` is one sanitised line for whoever mends the configuration. */
  | { readonly name: 'provider.metadata_rejected'; readonly reason: string; readonly explanation: string }
  | { readonly name: 'store.unavailable'; readonly reason: string }
  | { readonly name: 'store.available' }
  | { readonly name: 'store.evicting' }
  | { readonly name: 'store.memory_in_production' }
  | {
      readonly name: 'request.failed' | 'request.unavailable';
      readonly code: OidcErrorCode;
      readonly correlationId: string;
      readonly reason: string;
      /** Whose request it was, where that was known by then. */
      readonly session?: string;
      readonly sub?: string;
    };

export type OidcEventListener = (event: OidcEvent) => void;

/** Injection token of the application's listener (the option `onEvent`), `undefined` without one. */
export const EVENT_LISTENER = Symbol('nest-oidc:event-listener');

/** `none`: counted and told to the listener, not logged, since it can happen on every request. */
type Level = 'none' | 'debug' | 'log' | 'warn' | 'error';

const levels: Readonly<Record<OidcEvent['name'], Level>> = {
  'login.started': 'debug',
  'login.return_to_rejected': 'warn',
  'login.succeeded': 'debug',
  'login.failed': 'warn',
  'session.ended': 'debug',
  'session.unreadable': 'warn',
  'session.duplicate_cookie': 'warn',
  'logout.back_channel': 'debug',
  'logout.front_channel': 'debug',
  'logout.replayed': 'warn',
  'token.revocation_failed': 'warn',
  'refresh.succeeded': 'debug',
  'refresh.scope_widened': 'warn',
  'refresh.shared': 'none',
  'refresh.adopted': 'none',
  'refresh.stale_but_valid': 'none',
  'refresh.reuse_suspected': 'error',
  'refresh.refused': 'warn',
  'refresh.misconfigured': 'error',
  'refresh.transient': 'warn',
  'refresh.identity_rejected': 'error',
  'refresh.wait_timeout': 'warn',
  'refresh.commit_retried': 'warn',
  'request.cross_origin': 'warn',
  'provider.unavailable': 'warn',
  'provider.available': 'log',
  'provider.metadata_rejected': 'error',
  'store.unavailable': 'error',
  'store.available': 'log',
  'store.evicting': 'warn',
  'store.memory_in_production': 'warn',
  'request.failed': 'warn',
  // The outage itself is a line of its own, once.
  'request.unavailable': 'debug',
};

const MAX_LOGGED_LENGTH = 512;

/** One line, no control characters, bounded: text from outside cannot forge a log line (OWASP ASVS 16.4.1). */
export function sanitize(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.slice(0, MAX_LOGGED_LENGTH).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/gu, ' ');
}

/** The one word that tells events of a name apart. */
function reasonOf(event: OidcEvent): string | undefined {
  if ('cause' in event) return event.cause;
  return 'reason' in event ? event.reason : undefined;
}

/** The one place where something is logged. One line per event: `name key=value …`. */
@Injectable()
export class EventLog {
  private readonly logger = new Logger('OidcModule');
  private readonly states = new Map<string, OidcEvent['name']>();

  constructor(
    @Inject(EVENT_LISTENER) private readonly listener: OidcEventListener | undefined,
    @Inject(OidcCounters) private readonly counters: OidcCounters = new OidcCounters(),
    @Inject(TELEMETRY) private readonly telemetry: Telemetry = noTelemetry,
  ) {}

  emit(event: OidcEvent): void {
    this.counters.count(event.name);
    this.telemetry.count(event.name, reasonOf(event));
    this.log(event);
    void this.notify(event);
  }

  /** Emits an event about the state of `subject` only when it differs from the last one, so an outage is one line. */
  emitChange(subject: string, event: OidcEvent, initial?: OidcEvent['name']): void {
    if ((this.states.get(subject) ?? initial) === event.name) return;
    this.states.set(subject, event.name);
    this.emit(event);
  }

  /** The state of `subject` is unknown again: the next event about it is emitted, whatever the last one was. */
  forget(subject: string): void {
    this.states.delete(subject);
  }

  private log({ name, ...details }: OidcEvent): void {
    const level = levels[name];
    if (level === 'none') return;
    const line = Object.entries(details).map(([key, value]) => `${key}=${sanitize(String(value))}`);
    this.logger[level]([name, ...line].join(' '));
  }

  /** A listener that throws or rejects must not break the login, refresh or logout that it listens to. */
  private async notify(event: OidcEvent): Promise<void> {
    try {
      await this.listener?.(event);
    } catch (error) {
      const kind = error instanceof Error ? error.name : typeof error;
      this.logger.error(`onEvent threw ${sanitize(kind)} at ${event.name}`);
    }
  }
}
