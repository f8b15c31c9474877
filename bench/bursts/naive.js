// For comparison, what people write by hand: `naive.js no-lock` refreshes whenever it meets an expired token, `naive.js
// one-promise` lets the requests of one process share a refresh.
import { tokenRequests } from './token-requests.js';
import { Req, UnauthorizedException } from '@nestjs/common';
import { allowInsecureRequests, discovery, refreshTokenGrant } from 'openid-client';
import { createClient } from 'redis';
import { controllerOf, createApp } from '../subjects/platform.js';
import { answer } from './answer.js';

const [way] = process.argv.slice(2);
const redis = createClient({ url: process.env.REDIS_URL });
redis.on('error', () => undefined);
const running = new Map();
let provider;

answer({
  start: async ({ port, issuer, clientId, clientSecret }) => {
    await redis.connect();
    const insecure = { execute: [allowInsecureRequests] };
    provider = await discovery(new URL(issuer), clientId, clientSecret, undefined, insecure);
    const app = await createApp('fastify', controllerOf(me, [Req()]));
    await app.listen(port, '127.0.0.1');
  },
  seed: ({ cookie, tokens }) => save(cookie, tokens),
  report: () => tokenRequests(),
});

const save = (cookie, tokens) => redis.set(`naive:${cookie}`, JSON.stringify(tokens));

async function me({ headers: { cookie } }) {
  const json = await redis.get(`naive:${cookie}`);
  if (!json) throw new UnauthorizedException();
  const tokens = JSON.parse(json);
  const { accessToken } = tokens.expiresAt > Date.now() ? tokens : await refreshOf(cookie, tokens);
  return { token: accessToken.length };
}

function refreshOf(cookie, tokens) {
  if (way === 'no-lock') return refresh(cookie, tokens);
  const shared = running.get(cookie) ?? refresh(cookie, tokens).finally(() => running.delete(cookie));
  running.set(cookie, shared);
  return shared;
}

async function refresh(cookie, { refreshToken }) {
  try {
    const answered = await refreshTokenGrant(provider, refreshToken);
    const tokens = {
      accessToken: answered.access_token,
      refreshToken: answered.refresh_token ?? refreshToken,
      expiresAt: Date.now() + answered.expires_in * 1000,
    };
    await save(cookie, tokens);
    return tokens;
  } catch {
    await redis.del(`naive:${cookie}`);
    throw new UnauthorizedException();
  }
}
