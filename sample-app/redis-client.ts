import { Logger } from '@nestjs/common';
import { createClient } from 'redis';

export type RedisClient = ReturnType<typeof connectRedis>;

const LONGEST_PAUSE_MS = 2000;

/**
 * A Redis client that connects beside the start of the app, and goes on trying for as long as it takes: while Redis is
 * away, requests that need a session get 503. Says what becomes of the connection once per change.
 */
// eslint-disable-next-line typescript/explicit-function-return-type -- node-redis infers what cannot be written down
export function connectRedis(url: string) {
  const logger = new Logger('Redis');
  const client = createClient({
    url,
    // A connection that is dead without a word is noticed by its silence.
    pingInterval: 3000,
    socket: {
      connectTimeout: 3000,
      socketTimeout: 10_000,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, LONGEST_PAUSE_MS),
    },
  });
  let connected: boolean | undefined;
  client.on('ready', () => {
    if (connected !== true) logger.log('connected');
    connected = true;
  });
  client.on('error', (error: unknown) => {
    if (connected !== false) logger.warn(`not reachable (${reasonOf(error)}), trying again until it is`);
    connected = false;
  });
  client.connect().catch((error: unknown) => logger.error(`gave up (${reasonOf(error)})`));
  return client;
}

/** Lets commands under way finish, if there is anybody to finish them. */
export async function closeRedis(client: RedisClient): Promise<void> {
  if (client.isReady) await client.close();
  else client.destroy();
}

/** The system's or Redis' own code: whole messages may repeat the URL, and so the password. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.constructor.name;
}
