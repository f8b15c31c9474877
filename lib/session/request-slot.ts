import { IncomingMessage } from 'node:http';
import type { Loading, Session } from './session.js';

const SLOT = Symbol('nest-oidc:session');

interface Carrier {
  [SLOT]?: RequestSlot;
}

/**
 * What is known of a request or a socket, kept with it; only the library can see what is in it.
 *
 * One property of somebody else's object, and read as seldom as can be: Express gives every request a prototype of its
 * own, so that V8 can cache nothing about it, and each new property costs a copy of its hidden class. A `WeakMap` would
 * keep the requests alive longer, and the garbage collector busy with every one of them.
 */
export class RequestSlot {
  #owner: object | undefined;
  #loading: Loading | undefined;
  #session: Session | undefined;

  /** The slot of a request or socket, made when there is none. */
  static of(source: object): RequestSlot {
    return ((carrierOf(source) as Carrier)[SLOT] ??= new RequestSlot());
  }

  /** Whose session the guard has found it to be. */
  static sessionOf(source: object): Session | undefined {
    const slot = (carrierOf(source) as Carrier)[SLOT];
    return slot && slot.#session;
  }

  setSession(session: Session | undefined): void {
    this.#session = session;
  }

  /** What `owner` has kept here: an application sees nothing of another one in the same process. */
  loadingOf(owner: object): Loading | undefined {
    return this.#owner === owner ? this.#loading : undefined;
  }

  keep(owner: object, loading: Loading): void {
    this.#owner = owner;
    this.#loading = loading;
  }
}

/** Fastify wraps Node's request: both name the same one. */
function carrierOf(source: object): object {
  if (source instanceof IncomingMessage) return source;
  return 'raw' in source && typeof source.raw === 'object' && source.raw !== null ? source.raw : source;
}
