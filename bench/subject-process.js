import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { load } from './load.js';

const ENTRY = fileURLToPath(new URL('subject.js', import.meta.url));

/** A subject that runs, in a process of its own. */
export class SubjectProcess {
  static async start(name, redis, execArgv = []) {
    const child = fork(ENTRY, [name], {
      env: { ...process.env, NODE_ENV: 'production', REDIS_URL: redis.url },
      execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning', ...execArgv],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [{ url, headers }] = await once(child, 'message');
    return new SubjectProcess(name, child, redis, url, headers);
  }

  constructor(name, child, redis, url, headers) {
    Object.assign(this, { name, child, redis, url, headers });
  }

  /** Throughput, latency, CPU and Redis commands of a burst of so many seconds. */
  async measure(seconds) {
    const [cpuBefore, commandsBefore] = [await this.ask('usage'), await this.redis.commands()];
    const result = await load({ url: this.url, headers: this.headers, seconds });
    const [cpuAfter, commandsAfter] = [await this.ask('usage'), await this.redis.commands()];
    const cpuUs = total(cpuAfter.cpu) - total(cpuBefore.cpu);
    return {
      requestsPerSecond: result.requests / (result.durationUs / 1e6),
      cpuUsPerRequest: cpuUs / result.requests,
      commandsPerRequest: (commandsAfter - commandsBefore) / result.requests,
      p50Us: result.p50,
      p95Us: result.p95,
      p99Us: result.p99,
      rssBytes: cpuAfter.memory.rss,
    };
  }

  async ask(question) {
    this.child.send(question);
    const [answer] = await once(this.child, 'message');
    return answer;
  }

  async stop() {
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}

const total = ({ user, system }) => user + system;
