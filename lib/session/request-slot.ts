import { IncomingMessage } from 'node:http';
import type { Loading, Session } from './session.js';

/** What is known of a request or a socket, kept with it where only the library can see it. */
export class RequestSlot {
  private owner: object | undefined;
  private loading: Loading | undefined;
  /** Whose session the guard has found it to be. */
  session: Session | undefined;

  constructor(readonly source: object) {}

  /** What `owner` has kept here: an application sees nothing of another one in the same process. */
  loadingOf(owner: object): Loading | undefined {
    return this.owner === owner ? this.loading : undefined;
  }

  keep(owner: object, loading: Loading): void {
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
 * A private field, added to somebody else's object. A `WeakMap` would do the same, but the garbage collector has to follow
 * each of its entries, and requests in it live longer.
 */
class Carrier extends Existing {
  readonly #slot: RequestSlot;

  private constructor(carrier: object, source: object) {
    super(carrier);
    this.#slot = new RequestSlot(source);
  }

  static of(source: object): RequestSlot {
    const carrier = carrierOf(source);
    return Carrier.known(source, carrier) ?? new Carrier(#slot in carrier ? source : carrier, source).#slot;
  }

  static find(source: object): RequestSlot | undefined {
    return Carrier.known(source, carrierOf(source));
  }

  private static known(source: object, carrier: object): RequestSlot | undefined {
    if (!(#slot in carrier)) return undefined;
    if (carrier.#slot.source === source) return carrier.#slot;
    return #slot in source ? source.#slot : undefined;
  }
}

/** The slot of a request or a socket, made when there is none. */
export function slotOf(source: object): RequestSlot {
  return Carrier.of(unwrapped(source));
}

/** That of a request or a socket of which something is known. */
export function findSlot(source: object): RequestSlot | undefined {
  return Carrier.find(unwrapped(source));
}

/** Fastify wraps Node's request: both name the same one. */
function unwrapped(source: object): object {
  if (source instanceof IncomingMessage) return source;
  return 'raw' in source && typeof source.raw === 'object' && source.raw !== null ? source.raw : source;
}

/**
 * Node's request carries it on its `rawHeaders`, an array that each has of its own: Express changes the prototype of every
 * request, and from then on V8 copies the whole hidden class for each property that is added, which takes a hundred times
 * as long. Only one whose array is another's too, as one made of another, carries it itself.
 */
function carrierOf(source: object): object {
  return source instanceof IncomingMessage ? ((source.rawHeaders as object | undefined) ?? source) : source;
}
