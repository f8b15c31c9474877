import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { load } from './load.js';
import { RedisTraffic } from './redis-traffic.js';

const ENTRY = fileURLToPath(new URL('subject.js', import.meta.url));

/** It has idled while others were measured: what that has let go (caches, code) comes back before anything is counted. */
const RUN_UP_SECONDS = 1;

/** A subject that runs, in a process of its own. */
export class SubjectProcess {
  static async start(name, redis, { connections } = {}) {
    const child = fork(ENTRY, [name], {
      env: { ...process.env, NODE_ENV: 'production', REDIS_URL: redis.url },
      execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    return new SubjectProcess(name, child, redis, { connections, ...(await messageOf(child, name)) });
  }

  constructor(name, child, redis, { connections, url, headers, cookies }) {
    Object.assign(this, { name, child, redis, connections, url, headers, cookies });
  }

  /** What a burst of so many seconds costs: time, CPU, Redis, bytes, memory. */
  async measure(seconds) {
    await this.load(RUN_UP_SECONDS);
    const traffic = new RedisTraffic(this.redis);
    const before = await this.ask('usage');
    await traffic.start();
    const result = await this.load(seconds);
    const redis = await traffic.stop();
    const after = await this.ask('usage');
    return {
      requestsPerSecond: result.requests / (result.durationUs / 1e6),
      cpuUsPerRequest: (total(after.cpu) - total(before.cpu)) / result.requests,
      commandsPerRequest: redis.commands / result.requests,
      redisBytesInPerRequest: redis.bytesIn / result.requests,
      redisBytesOutPerRequest: redis.bytesOut / result.requests,
      responseBytes: result.bytes / result.requests,
      cookieBytes: (this.headers.cookie ?? '').length,
      p50Us: result.p50,
      p95Us: result.p95,
      p99Us: result.p99,
      rssBytes: after.memory.rss,
    };
  }

  /**
   * What the heap holds after a forced collection. Not to be asked between bursts: with no request alive, a collection
   * takes the shapes of their objects along, and V8 throws away the code that it had optimized for them.
   */
  async heapUsedBytes() {
    return (await this.ask('collect')).memory.heapUsed;
  }

  load(seconds) {
    const { url, headers, cookies, connections } = this;
    return load({ url, headers, cookies, connections, seconds });
  }

  async ask(question) {
    this.child.send(question);
    return messageOf(this.child, this.name);
  }

  async stop() {
    if (!this.child.connected) return;
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}

/** The next message; an error when the process ends instead. */
async function messageOf(child, name) {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`The subject ${name} has ended with code ${code}.`);
      }),
    ]);
  } finally {
    waiting.abort();
  }
}

const total = ({ user, system }) => user + system;
