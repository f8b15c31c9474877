import { afterAll, beforeAll, describe } from '@jest/globals';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import { RedisServer } from '../support/redis-server.js';
import { withstandsHostileRequests } from './hostile-campaign.js';

describe('an application on fastify with Redis under attack', () => {
  let redis: RedisServer;
  let client: ReturnType<typeof createClient>;

  beforeAll(async () => {
    redis = await RedisServer.start();
    client = createClient({ url: redis.url });
    await client.connect();
  });

  afterAll(async () => {
    await client.close();
    await redis.dispose();
  });

  withstandsHostileRequests({
    platform: 'fastify',
    share: 0.05,
    store: () => new RedisSessionStore(client),
    entries: () => client.dbSize(),
  });
});
