import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** One connection through a {@link RedisProxy}. */
export interface ProxiedConnection {
  /** What Redis has said and the client has not been told yet, since {@link hold}. */
  readonly held: () => string;
  /** Keeps back what Redis says: to the client, a connection that is half open. */
  hold(): void;
  /** Tells it all at once, and goes on. */
  release(): void;
}

/** Stands between clients and a Redis, one connection at a time. */
export class RedisProxy {
  /** In the order in which they were opened. */
  readonly connections: ProxiedConnection[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly redisPort: number,
    private readonly swallows: string | undefined,
  ) {
    server.on('connection', (socket) => this.forward(socket));
  }

  /** With `swallows`, what Redis says is not passed on while that is in it. */
  static async start(redisPort: number, swallows?: string): Promise<RedisProxy> {
    const server = createServer();
    const proxy = new RedisProxy(server, redisPort, swallows);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  dispose(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private forward(socket: Socket): void {
    const redis = createConnection(this.redisPort, '127.0.0.1');
    const held: Buffer[] = [];
    let isHolding = false;
    socket.on('data', (data) => redis.write(data));
    redis.on('data', (data: Buffer) => {
      if (this.swallows !== undefined && data.includes(this.swallows)) return;
      if (isHolding) held.push(data);
      else socket.write(data);
    });
    for (const [one, another] of [
      [socket, redis],
      [redis, socket],
    ] as const) {
      this.sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => another.destroy());
    }
    this.connections.push({
      held: () => Buffer.concat(held).toString('latin1'),
      hold: () => void (isHolding = true),
      release: () => {
        isHolding = false;
        socket.write(Buffer.concat(held.splice(0)));
      },
    });
  }
}
