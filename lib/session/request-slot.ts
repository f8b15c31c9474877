import { IncomingMessage } from 'node:http';
import type { Loading, Session } from './session.js';

/** What is known of a request or a socket, kept with it where only the library can see it. */
export class RequestSlot {
  private owner: object | undefined;
  private loading: Loading | undefined;
  /** Whose session the guard has found it to be. */
  session: Session | undefined;

  /** What `owner` has kept here: an application sees nothing of another one in the same process. */
  loadingOf(owner: object): Loading | undefined {
    return this.owner === owner ? this.loading : undefined;
  }

  keep(owner: object, loading: Loading): void {
    if (this.owner !== owner) this.session = undefined;
    this.owner = owner;
    this.loading = loading;
  }
}

/** Makes {@link Carrier} add its field to an object that is there already. */
class Existing {
  constructor(existing: object) {
    return existing;
  }
}

/**
 * A private field, added to somebody else's object. One, and read as seldom as can be: Express gives every request a
 * prototype of its own, so that V8 can cache nothing about it, and each new field costs a copy of its hidden class. A
 * `WeakMap` would do the same, but the garbage collector has to follow each of its entries, and requests in it live longer.
 */
class Carrier extends Existing {
  readonly #slot = new RequestSlot();

  static find(source: object): RequestSlot | undefined {
    return #slot in source ? source.#slot : undefined;
  }

  static of(source: object): RequestSlot {
    return #slot in source ? source.#slot : new Carrier(source).#slot;
  }
}

/** The slot of a request or a socket, made when there is none. */
export function slotOf(source: object): RequestSlot {
  return Carrier.of(carrierOf(source));
}

/** Whose session the guard has found it to be. */
export function sessionIn(source: object): Session | undefined {
  return Carrier.find(carrierOf(source))?.session;
}

/** Fastify wraps Node's request: both name the same one. */
function carrierOf(source: object): object {
  if (source instanceof IncomingMessage) return source;
  return 'raw' in source && typeof source.raw === 'object' && source.raw !== null ? source.raw : source;
}
