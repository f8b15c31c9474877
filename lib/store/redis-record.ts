import type { StoredSession } from './session-store.js';

/** Generation, expiry and last use, each an unsigned 64-bit integer, big-endian. `data` follows. */
const HEADER_BYTES = 24;
const EXPIRES_AT_OFFSET = 8;
const LAST_SEEN_AT_OFFSET = 16;

/** A session as the one value that Redis has of it. */
export function encodeRecord({ data, generation, expiresAt, lastSeenAt }: StoredSession): Buffer {
  const value = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  value.writeBigUInt64BE(BigInt(generation));
  value.writeBigUInt64BE(BigInt(Math.trunc(expiresAt)), EXPIRES_AT_OFFSET);
  value.writeBigUInt64BE(BigInt(Math.trunc(lastSeenAt)), LAST_SEEN_AT_OFFSET);
  value.set(data, HEADER_BYTES);
  return value;
}

/** A value too short to be one of ours is no session: an error would meet its user again at every request. */
export function decodeRecord(value: unknown, now: number): StoredSession | undefined {
  if (value === null || value === undefined) return undefined;
  if (!Buffer.isBuffer(value)) {
    throw new TypeError('The Redis client did not return a Buffer. Hand RedisSessionStore a client of node-redis 6.');
  }
  if (value.length < HEADER_BYTES) return undefined;
  const expiresAt = integerAt(value, EXPIRES_AT_OFFSET);
  if (expiresAt <= now) return undefined;
  return {
    data: value.subarray(HEADER_BYTES),
    generation: integerAt(value, 0),
    expiresAt,
    lastSeenAt: integerAt(value, LAST_SEEN_AT_OFFSET),
  };
}

/** In halves: a `bigint` would have to be allocated, three for every request. */
function integerAt(value: Buffer, offset: number): number {
  return value.readUInt32BE(offset) * 2 ** 32 + value.readUInt32BE(offset + 4);
}
