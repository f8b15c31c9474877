import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { guard, RedisServer } from './redis-server.js';

/** The name that the sentinels know the master by. */
export const MASTER_NAME = 'main';

const SENTINELS = 3;
const QUORUM = 2;

/**
 * Sentinels hear of each other and of replicas sooner than usual. A busy machine may stop them for longer than the two
 * seconds after which they would do nothing for half a minute (tilt).
 */
const DEBUG = ['info-period', '500', 'publish-period', '200', 'ask-period', '200', 'tilt-trigger', '60000'];

/** A real master with one replica, watched over by three real sentinels. */
export class RedisSentinel {
  private constructor(
    private master: RedisServer,
    private replica: RedisServer,
    private readonly sentinels: readonly SentinelProcess[],
  ) {}

  static async start(): Promise<RedisSentinel> {
    const master = await RedisServer.start();
    const replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
    const sentinels: SentinelProcess[] = [];
    const group = new RedisSentinel(master, replica, sentinels);
    try {
      await group.untilReplicaFollows();
      for (let index = 0; index < SENTINELS; index += 1) sentinels.push(await SentinelProcess.start(master.port));
      for (const sentinel of sentinels) await sentinel.untilAware();
      return group;
    } catch (error) {
      await group.dispose();
      throw error;
    }
  }

  get rootNodes(): { host: string; port: number }[] {
    return this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** Asks the present master itself. */
  send(...command: string[]): Promise<unknown> {
    return ask(this.master.port, ...command);
  }

  /** Waits until the replica has everything that was written so far. */
  async replicated(): Promise<void> {
    await eventually(async () => {
      const info = String(await ask(this.master.port, 'INFO', 'replication'));
      const written = /master_repl_offset:(\d+)/.exec(info)?.[1];
      const received = /slave0:.*state=online,offset=(\d+)/.exec(info)?.[1];
      if (Number(received ?? -1) < Number(written)) throw new Error('The replica is behind.');
    }, 1_500);
  }

  /** Ends the master as a crash does. The sentinels have yet to notice. */
  async killMaster(): Promise<void> {
    await this.master.stop();
  }

  /** Waits until every sentinel says that the replica is the master, and it says so itself. */
  async failedOver(): Promise<void> {
    await eventually(async () => {
      for (const sentinel of this.sentinels) {
        if ((await sentinel.masterPort()) !== this.replica.port) throw new Error('Not every sentinel has switched.');
      }
      const role = (await ask(this.replica.port, 'ROLE')) as [string];
      if (role[0] !== 'master') throw new Error('The replica was not promoted.');
    }, 3_000);
    [this.master, this.replica] = [this.replica, this.master];
  }

  async dispose(): Promise<void> {
    for (const each of [...this.sentinels, this.master, this.replica]) await each.dispose();
  }

  private async untilReplicaFollows(): Promise<void> {
    await eventually(async () => {
      const info = String(await ask(this.master.port, 'INFO', 'replication'));
      if (!info.includes('state=online')) throw new Error('The replica does not follow yet.');
    }, 1_500);
  }
}

class SentinelProcess {
  private constructor(
    readonly port: number,
    private readonly process: ChildProcess,
    private readonly guardian: ChildProcess,
    private readonly directory: string,
  ) {}

  static async start(masterPort: number): Promise<SentinelProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'nest-oidc-sentinel-'));
    const port = await freePort();
    const config = join(directory, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${directory}`,
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} ${QUORUM}`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 1500`,
      `sentinel failover-timeout ${MASTER_NAME} 4000`,
    ];
    await writeFile(config, `${lines.join('\n')}\n`);
    const process = spawn('redis-server', [config, '--sentinel'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const sentinel = new SentinelProcess(port, process, guard(process), directory);
    await eventually(() => ask(port, 'SENTINEL', 'DEBUG', ...DEBUG));
    return sentinel;
  }

  /** Waits until it has found the replica and the other sentinels. */
  async untilAware(): Promise<void> {
    await eventually(async () => {
      const facts = (await ask(this.port, 'SENTINEL', 'MASTER', MASTER_NAME)) as Record<string, string>;
      if (facts['num-slaves'] !== '1') throw new Error('The sentinel does not know the replica yet.');
      if (facts['num-other-sentinels'] !== String(SENTINELS - 1))
        throw new Error('Sentinels do not know each other yet.');
    }, 1_500);
  }

  async masterPort(): Promise<number> {
    const [, port] = (await ask(this.port, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME)) as [string, string];
    return Number(port);
  }

  async dispose(): Promise<void> {
    const { process } = this;
    if (process.exitCode === null && process.signalCode === null) {
      const exited = once(process, 'exit');
      process.kill('SIGKILL');
      await exited;
    }
    this.guardian.kill('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** One command on a connection of its own. */
async function ask(port: number, ...command: string[]): Promise<unknown> {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}
