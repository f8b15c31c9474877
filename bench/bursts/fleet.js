import { freePort } from '../../test/support/free-port.js';
import { Child } from '../child.js';
import { logInAt } from '../peers/log-in.js';

const entry = (name) => new URL(name, import.meta.url);

/** A provider, a driver and processes of the library, each a process of its own. The first of these is where users log in. */
export class Fleet {
  static async start(redis, size) {
    const fleet = new Fleet(redis);
    try {
      fleet.driver = await fleet.startChild('driver.js');
      fleet.provider = await fleet.startChild('provider.js');
      const port = await freePort();
      fleet.baseUrl = `http://127.0.0.1:${port}`;
      const redirectUri = `${fleet.baseUrl}/auth/callback`;
      fleet.options = await fleet.provider.ask({ question: 'start', value: { redirectUri } });
      fleet.processes = await fleet.startProcesses('application.js', [], size, port);
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  constructor(redis) {
    Object.assign(this, { redis, children: [] });
  }

  async startProcesses(name, args, size, firstPort) {
    const processes = [];
    for (let index = 0; index < size; index += 1) {
      const port = index === 0 && firstPort ? firstPort : await freePort();
      const child = await this.startChild(name, args);
      await child.ask({ question: 'start', value: { ...this.options, baseUrl: this.baseUrl, port } });
      processes.push({ child, url: `http://127.0.0.1:${port}/me` });
    }
    return processes;
  }

  /** Somebody logs in for real. Answers the cookie. */
  async logIn() {
    const { cookies } = await logInAt('/auth/login')(this.baseUrl);
    return cookies[0];
  }

  /** Of the process where sessions can be asked for. */
  askLibrary(question, value) {
    return this.processes[0].child.ask({ question, value });
  }

  askAll(processes, question) {
    return Promise.all(processes.map(({ child }) => child.ask({ question })));
  }

  burst(processes, cookie, count) {
    const urls = processes.map(({ url }) => url);
    return this.driver.ask({ question: 'burst', value: { urls, cookie, count } });
  }

  /** What the provider has seen and the processes have measured since it was last asked. */
  async report(processes) {
    const seen = await this.provider.ask({ question: 'report' });
    const durations = await this.askAll(processes, 'report');
    return { seen, durations: durations.flat() };
  }

  async stop() {
    await Promise.all(this.children.map((child) => child.stop()));
  }

  async startChild(name, args = []) {
    // Not in production: the library refuses a provider without https there.
    const child = await Child.start(entry(name), args, { env: { NODE_ENV: 'bench', REDIS_URL: this.redis.url } });
    this.children.push(child);
    return child;
  }
}
