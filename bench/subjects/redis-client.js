import { createClient } from 'redis';

/** The `redis` client as its documentation sets it up. */
export async function connectRedis(url) {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
