import { createClient } from 'redis';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { RedisServer } from './redis-server.js';

const SLOTS = 16_384;
const MASTERS = 3;

/** One master of a {@link RedisCluster}. */
export class RedisClusterNode {
  private running = true;

  private constructor(
    readonly server: RedisServer,
    readonly busPort: number,
    private readonly client: ReturnType<typeof clientOf>,
    readonly id: string,
  ) {}

  static async create(): Promise<RedisClusterNode> {
    const busPort = await freePort(); // by default the port plus 10,000, which need neither exist nor be free
    const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000'];
    // One master down is to be trouble of its own sessions only.
    const args = [...cluster, '--cluster-announce-ip', '127.0.0.1', '--cluster-require-full-coverage', 'no'];
    const server = await RedisServer.start({ persistent: true, args });
    const client = await clientOf(server).connect();
    return new RedisClusterNode(server, busPort, client, await client.sendCommand(['CLUSTER', 'MYID']));
  }

  get port(): number {
    return this.server.port;
  }

  send(...command: string[]): Promise<unknown> {
    return this.client.sendCommand(command);
  }

  async info(field: string): Promise<string | undefined> {
    return new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(String(await this.send('CLUSTER', 'INFO')))?.[1];
  }

  /** The keys that it keeps itself. */
  async keys(pattern: string): Promise<string[]> {
    return (await this.send('KEYS', pattern)) as string[];
  }

  /** Ends it as a crash does; what it has written is on disk. */
  async stop(): Promise<void> {
    this.running = false;
    await this.server.stop();
  }

  /** Starts it again, unless it is running. */
  async start(): Promise<void> {
    if (!this.running) await this.server.start();
    this.running = true;
  }

  async dispose(): Promise<void> {
    this.client.destroy();
    await this.server.dispose();
  }
}

/** A real cluster of three masters without replicas. */
export class RedisCluster {
  private constructor(readonly nodes: readonly RedisClusterNode[]) {}

  static async start(): Promise<RedisCluster> {
    const nodes: RedisClusterNode[] = [];
    const cluster = new RedisCluster(nodes);
    try {
      for (let index = 0; index < MASTERS; index += 1) nodes.push(await RedisClusterNode.create());
      await cluster.join();
      await cluster.untilAgreed();
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  get rootNodes(): { url: string }[] {
    return this.nodes.map(({ server }) => ({ url: server.url }));
  }

  /** The master that a key belongs to, and one that it does not belong to. */
  async placeOf(key: string): Promise<{ slot: number; home: RedisClusterNode; elsewhere: RedisClusterNode }> {
    const slot = Number(await this.nodes[0]?.send('CLUSTER', 'KEYSLOT', key));
    const ranges = (await this.nodes[0]?.send('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
    const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1];
    const home = this.nodes.find((node) => node.port === port);
    const elsewhere = this.nodes.find((node) => node.port !== port);
    if (!home || !elsewhere) throw new Error(`Nobody serves slot ${slot}.`);
    return { slot, home, elsewhere };
  }

  /** Waits until every node knows every slot's master, and all are there. */
  async untilAgreed(): Promise<void> {
    await eventually(async () => {
      const views = new Set<string>();
      for (const node of this.nodes) {
        if ((await node.info('cluster_state')) !== 'ok') throw new Error('The cluster is not ready.');
        if ((await node.info('cluster_slots_ok')) !== String(SLOTS)) throw new Error('Slots are not served.');
        if ((await node.info('cluster_known_nodes')) !== String(MASTERS))
          throw new Error('Nodes do not know each other.');
        const ranges = (await node.send('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
        const view = ranges.map(([from, to, [, port]]) => `${from}-${to}:${port}`);
        views.add(view.sort().join());
      }
      if (views.size > 1) throw new Error('Nodes do not agree.');
    }, 1_500);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }

  private async join(): Promise<void> {
    const [first] = this.nodes;
    for (const [index, node] of this.nodes.entries()) {
      const from = Math.ceil((index * SLOTS) / MASTERS);
      const to = Math.ceil(((index + 1) * SLOTS) / MASTERS) - 1;
      await node.send('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
      await node.send('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1)); // or the nodes would have to find out
      if (first && node !== first) {
        await node.send('CLUSTER', 'MEET', '127.0.0.1', String(first.port), String(first.busPort));
      }
    }
  }
}

function clientOf({ url }: RedisServer) {
  return createClient({ url, socket: { reconnectStrategy: 20 } }).on('error', () => undefined);
}
