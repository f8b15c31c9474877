import type { SessionStore } from '../store/session-store.js';
import type { OptionReader } from './option-reader.js';
import type { PublicBase, ResolvedOptions } from './resolved-options.js';

const DAY = 86_400;

const STORE_METHODS: readonly (keyof SessionStore)[] = [
  'get',
  'create',
  'replace',
  'touch',
  'delete',
  'lock',
  'unlock',
  'markUsed',
  'addMember',
  'members',
  'removeMember',
];

export function readSession(reader: OptionReader, base: PublicBase): ResolvedOptions['session'] {
  const absoluteLifetime = reader.seconds('absoluteLifetime', { min: 1, max: 30 * DAY, fallback: 7 * DAY });
  const session = {
    store: readStore(reader),
    idleTimeout: reader.seconds('idleTimeout', { min: 1, max: 30 * DAY, fallback: Math.min(DAY, absoluteLifetime) }),
    absoluteLifetime,
    maxPerUser: readMaxPerUser(reader),
    recordDevice: reader.boolean('recordDevice', false),
    cookie: readCookie(reader.nested('cookie'), base),
  };
  if (session.idleTimeout > session.absoluteLifetime) {
    reader.problem('idleTimeout', 'must not be longer than session.absoluteLifetime');
  }
  reader.refuseUnknownKeys();
  return session;
}

function readMaxPerUser(reader: OptionReader): number | undefined {
  const value = reader.raw('maxPerUser');
  if (value === undefined || (Number.isSafeInteger(value) && Number(value) >= 1)) return value as number | undefined;
  reader.problem('maxPerUser', 'must be an integer of at least 1');
  return undefined;
}

function readStore(reader: OptionReader): SessionStore | undefined {
  const store = reader.raw('store');
  if (store === undefined) return undefined;
  const missing = STORE_METHODS.filter((name) => typeof (store as Partial<SessionStore> | null)?.[name] !== 'function');
  if (missing.length > 0) {
    reader.problem('store', `must be a SessionStore; it lacks ${missing.join(', ')}`);
  }
  return store as SessionStore;
}

function readCookie(reader: OptionReader, base: PublicBase): ResolvedOptions['session']['cookie'] {
  const name = reader.string('name') ?? (base.secure ? '__Host-sid' : 'sid');
  if (!/^[\w!#$%&'*+.^`|~-]{1,64}$/u.test(name)) {
    reader.problem('name', 'must be a cookie name of at most 64 characters (RFC 6265 §4.1.1)');
  }
  if (!base.secure && /^__(?:host|secure)-/iu.test(name)) {
    reader.problem('name', `${name} needs https, and baseUrl is plain http; browsers would drop the cookie`);
  }
  const cookie = {
    name,
    sameSite: reader.oneOf('sameSite', ['lax', 'strict'] as const) ?? 'lax',
    secure: base.secure,
    persistent: reader.boolean('persistent', false),
  };
  reader.refuseUnknownKeys();
  return cookie;
}
