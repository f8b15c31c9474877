import { internalOf } from '../internals.js';
import { ours } from './ours.js';
import { claims, tokens } from './session.js';

const AT_ONCE = 200;

/** The library with so many sessions in Redis, each of another user. */
export async function oursMany(platform, { redisUrl, sessions }) {
  const { app, headers } = await ours(platform, { redisUrl, store: 'redis' });
  const [name] = headers.cookie.split('=', 1);
  const repository = internalOf(app, 'SessionRepository');
  const user = claims('https://login.example.test');
  const create = async (index) => {
    const owner = { ...user, sub: String(Number(user.sub) + index) };
    const { token } = await repository.create(owner, tokens(owner));
    return `${name}=${token}`;
  };
  const cookies = [];
  while (cookies.length < sessions) {
    const first = cookies.length;
    cookies.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => create(first + index)))));
  }
  return { app, cookies };
}
