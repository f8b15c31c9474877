import { Req } from '@nestjs/common';
import { createClient } from 'redis';
import { controllerOf, createApp } from './platform.js';
import { claims, tokens } from './session.js';

/**
 * The least that a session in Redis can cost: one raw GET by the client without its per-command timeout, `JSON.parse`, and
 * no check of anything.
 */
export async function floor(platform, { redisUrl }) {
  const client = createClient({ url: redisUrl });
  client.on('error', () => undefined);
  await client.connect();
  const redis = client.withCommandOptions({ timeout: 0 });
  const key = `floor:${platform}`;
  await redis.set(key, JSON.stringify({ claims: claims('https://login.example'), tokens: tokens(Date.now()) }));
  const handler = async (request) => {
    const session = JSON.parse(await redis.get(key));
    return { sub: request.headers.cookie ? session.claims.sub : undefined };
  };
  return {
    app: await createApp(platform, controllerOf(handler, [Req()])),
    headers: { cookie: `sid=${'x'.repeat(43)}` },
  };
}
