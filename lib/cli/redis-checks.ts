import type { Findings } from './findings.js';

const CONNECT_TIMEOUT_MS = 5000;
const OLDEST_MAJOR = 6;

type Facts = ReadonlyMap<string, string>;

/** What a Redis must be like that keeps sessions. Only `INFO` is asked, which managed services allow. */
export async function checkRedis(url: string, findings: Findings): Promise<void> {
  const facts = await factsOf(url, findings);
  if (!facts) return;
  checkVersion(facts, findings);
  checkEviction(facts, findings);
  checkPersistence(facts, findings);
}

async function factsOf(url: string, findings: Findings): Promise<Facts | undefined> {
  const redis = await import('redis').catch(() => undefined);
  if (!redis) {
    findings.fault('Redis', 'the package redis is not installed', 'Install it: npm install redis.');
    return undefined;
  }
  try {
    const socket = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false } as const;
    const client = redis.createClient({ url, socket });
    // Told by connect() as well. Without a listener it would end the process.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return parse(await client.info());
    } finally {
      if (client.isOpen) client.destroy();
    }
  } catch (error) {
    findings.fault('Redis', `cannot be asked (${reasonOf(error)})`, cureOf(reasonOf(error)));
    return undefined;
  }
}

function checkVersion(facts: Facts, findings: Findings): void {
  const version = facts.get('redis_version') ?? 'unknown';
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return findings.ok('Redis', `answers; version ${version}`);
  findings.fault('Redis', `has version ${version}`, `Update it to version ${OLDEST_MAJOR} or newer.`);
}

function checkEviction(facts: Facts, findings: Findings): void {
  const policy = facts.get('maxmemory_policy');
  if (policy === undefined) {
    const cure = 'Make sure that maxmemory-policy is noeviction.';
    return findings.note('Redis eviction', 'the server does not tell its policy', cure);
  }
  if (policy === 'noeviction') return findings.ok('Redis eviction', 'noeviction: nothing is thrown away');
  const text = `maxmemory-policy is ${policy}: when memory runs out, users are logged out at random`;
  const cure = 'Set maxmemory-policy noeviction in redis.conf, or give the sessions a Redis of their own.';
  findings.fault('Redis eviction', text, cure);
}

function checkPersistence(facts: Facts, findings: Findings): void {
  const isLog = facts.get('aof_enabled') === '1';
  if (isLog) return findings.ok('Redis persistence', 'an append-only file: sessions survive a restart');
  const text = 'no append-only file: a restart logs users out, or back to the last snapshot';
  findings.note('Redis persistence', text, 'Set appendonly yes, if a restart should log nobody out.');
}

/** `name:value` by the line (Redis `INFO`). */
function parse(info: string): Facts {
  return new Map(info.split(/\r?\n/u).map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1)]));
}

/** Never the message: it may repeat the URL with its password. */
function reasonOf(error: unknown): string {
  const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string };
  if (typeof code === 'string') return code;
  return /^(WRONGPASS|NOAUTH|NOPERM)\b/u.exec(message)?.[1] ?? 'not a usable Redis URL, or no answer';
}

function cureOf(reason: string): string {
  if (/^(?:WRONGPASS|NOAUTH|NOPERM)$/u.test(reason)) return 'Correct the user name and the password in the Redis URL.';
  return 'Start Redis, or correct the Redis URL: redis://[user:password@]host:port, or rediss:// for TLS.';
}
