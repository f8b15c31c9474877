import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { EnvironmentError } from './environment.js';

/** Runs Redis for as long as its own standard input is open: until the process that started it ends, however that is. */
const SCRIPT = `
  command -v redis-server > /dev/null || exit 127
  exec 3<&0
  redis-server "$@" 3<&- & redis=$!
  { cat <&3; kill "$redis"; } > /dev/null 2>&1 &
  wait "$redis"`;

const READY = 'Ready to accept connections';

const NO_REDIS =
  'REDIS_URL is missing, and no redis-server could be started: several processes share their sessions in Redis; ' +
  'install it (Debian: apt-get install redis-server) or set REDIS_URL';

const OPTIONS = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];

/** A Redis for demonstration: on this machine only, in memory only. */
export class RedisProcess {
  private constructor(
    private readonly shell: ChildProcess,
    readonly url: string,
  ) {}

  /** @throws EnvironmentError when it is not installed, with what to do */
  static async start(): Promise<RedisProcess> {
    const port = await freePort();
    // A group of its own: Ctrl+C is for the app, which still needs Redis while it ends.
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'redis', '--port', String(port), ...OPTIONS], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    await untilReady(shell);
    return new RedisProcess(shell, `redis://127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    const exited = once(this.shell, 'exit');
    this.shell.stdin?.end();
    await exited;
  }
}

function untilReady(shell: ChildProcess): Promise<void> {
  let log = '';
  return new Promise((resolve, reject) => {
    shell.stdout?.on('data', (chunk: Buffer) => {
      if (log.includes(READY)) return;
      log += chunk.toString();
      if (log.includes(READY)) resolve();
    });
    const refuse = (): void => reject(new EnvironmentError([NO_REDIS]));
    shell.once('error', refuse);
    shell.once('exit', refuse);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
