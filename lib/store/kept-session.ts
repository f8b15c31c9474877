import type { Expiring } from './expiring-map.js';
import type { StoredSession } from './session-store.js';

/**
 * A session as a process keeps it. A `Uint8Array` takes three objects beside its bytes, a string takes none, and there may
 * be tens of thousands. So the bytes are made again when they are asked for: each time a copy, for whoever asks.
 *
 * To everybody else it looks like a plain object, also when it is spread or compared.
 */
export class KeptSession implements StoredSession, Expiring {
  static readonly #data = {
    enumerable: true,
    get(this: KeptSession): Uint8Array {
      const data = Buffer.allocUnsafeSlow(this.#bytes.length);
      data.write(this.#bytes, 'latin1');
      return data;
    },
  };
  static readonly #wasUsed = { value: false, writable: true };

  declare readonly data: Uint8Array;
  declare wasUsed: boolean;
  readonly #bytes: string;

  constructor(
    bytes: string,
    readonly generation: number,
    readonly expiresAt: number,
    readonly lastSeenAt: number,
  ) {
    this.#bytes = bytes;
    Object.defineProperty(this, 'data', KeptSession.#data);
    Object.defineProperty(this, 'wasUsed', KeptSession.#wasUsed);
  }

  static of({ data, generation, expiresAt, lastSeenAt }: StoredSession): KeptSession {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
    return new KeptSession(bytes, generation, expiresAt, lastSeenAt);
  }

  touched(expiresAt: number, lastSeenAt: number): KeptSession {
    return new KeptSession(this.#bytes, this.generation, Math.max(this.expiresAt, expiresAt), lastSeenAt);
  }
}
