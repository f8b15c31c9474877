import { createHash } from 'node:crypto';

/** A Lua script, and the name under which Redis remembers it. */
export interface RedisScript {
  readonly source: string;
  readonly sha1: string;
}

/**
 * Every script works on KEYS[1], the session, and KEYS[2], its lock, or on KEYS[1] alone, a set; ARGV[1] is the caller's
 * time.
 *
 * `live()` is the generation of the session and its expiry, or nil when there is none: no value, a value too short to be one
 * of ours, or one that has expired by the caller's clock (Redis' own clock has ended it if it says so).
 */
const PRELUDE = `
local function live()
  local header = redis.call('GETRANGE', KEYS[1], 0, 23)
  if #header < 24 then return nil end
  local generation, expiresAt = struct.unpack('>I8I8', header)
  if expiresAt <= tonumber(ARGV[1]) then return nil end
  return generation, expiresAt
end`;

function script(body: string): RedisScript {
  const source = `${PRELUDE}\n${body.trim()}`;
  return { source, sha1: createHash('sha1').update(source).digest('hex') };
}

/** ARGV: now, expected generation, owner, value, time to live in ms. Answers with a `ReplaceResult`. */
export const REPLACE = script(`
local generation = live()
if not generation then return 'gone' end
if generation ~= tonumber(ARGV[2]) then return 'moved' end
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
if redis.call('GET', KEYS[2]) == ARGV[3] then redis.call('DEL', KEYS[2]) end
return 'written'`);

/**
 * ARGV: now, expiresAt, time to live in ms, lastSeenAt. Answers 1 or 0. Only the header is rewritten, in place; an earlier
 * expiry is not.
 */
export const TOUCH = script(`
local _, endsAt = live()
if not endsAt then return 0 end
local expiresAt = tonumber(ARGV[2])
if expiresAt > endsAt then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
redis.call('SETRANGE', KEYS[1], 8, struct.pack('>I8I8', math.max(expiresAt, endsAt), tonumber(ARGV[4])))
return 1`);

/**
 * ARGV: now, generation or '', channel, message. Answers 1 or 0. What is left of a session that has ended is removed as
 * well. A user of Redis who may not publish ends it all the same.
 */
export const DELETE = script(`
local generation = live()
if generation and ARGV[2] ~= '' and generation ~= tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
if not generation then return 0 end
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return 1`);

/** ARGV: now, owner, lease in ms. Answers { acquired, value, holder }, or { 0 } when there is no session. */
export const LOCK = script(`
if not live() then return { 0 } end
local value = redis.call('GET', KEYS[1])
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then return { 0, value, holder } end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return { 1, value }`);

/** ARGV: now, owner, and a successor with its lease in ms, or two times ''. */
export const UNLOCK = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then return redis.call('DEL', KEYS[2]) end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return 1`);

/** ARGV: now, expiresAt, member. A sorted set by expiry, which ends with its last member. What has ended is removed. */
export const ADD_MEMBER = script(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], string.format('%d', math.max(1, last[2] - ARGV[1])))
return 1`);

/** ARGV: now. Answers the members that have not ended. */
export const MEMBERS = script(`
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf')`);

/** ARGV: now, member. */
export const REMOVE_MEMBER = script(`
return redis.call('ZREM', KEYS[1], ARGV[2])`);
