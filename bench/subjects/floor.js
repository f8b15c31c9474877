import { Req } from '@nestjs/common';
import { controllerOf, createApp } from './platform.js';
import { connectRedis } from './redis-client.js';
import { claims, tokens } from './session.js';

/**
 * The least that a session in Redis can cost: one raw GET by the client without its per-command timeout, `JSON.parse`, and
 * no check of anything.
 */
export async function floor(platform, { redisUrl, sessions = 1 }) {
  const client = await connectRedis(redisUrl);
  const redis = client.withCommandOptions({ timeout: 0 });
  const keyOf = (cookie) => `floor:${platform}:${cookie}`;
  const cookies = Array.from({ length: sessions }, (_, index) => `sid=${String(index).padStart(43, 'x')}`);
  const user = claims('https://login.example');
  const session = JSON.stringify({ claims: user, tokens: tokens(user) });
  await Promise.all(cookies.map((cookie) => redis.set(keyOf(cookie), session)));
  const handler = async (request) => {
    const found = JSON.parse(await redis.get(keyOf(request.headers.cookie)));
    return { sub: found?.claims.sub };
  };
  return { app: await createApp(platform, controllerOf(handler, [Req()])), cookies, isOpen: true };
}
