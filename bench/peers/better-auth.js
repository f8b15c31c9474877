import { AuthModule, Session } from '@thallesp/nestjs-better-auth';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { controllerOf, createApp } from '../subjects/platform.js';
import { connectRedis } from '../subjects/redis-client.js';
import { claims, SUB, tokens } from '../subjects/session.js';
import { cookieOf } from './log-in.js';

/** `better-auth` by its Nest module and guard, sessions in Redis; users and accounts in a database that is not asked here. */
export async function betterAuthSubject({ redisUrl }) {
  const redis = await connectRedis(redisUrl);
  const text = { type: 'string', required: true };
  const auth = betterAuth({
    baseURL: 'http://127.0.0.1',
    secret: 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    secondaryStorage: {
      get: (key) => redis.get(key),
      set: (key, value, ttl) => (ttl ? redis.set(key, value, { EX: ttl }) : redis.set(key, value)),
      delete: (key) => redis.del(key),
    },
    emailAndPassword: { enabled: true },
    user: { additionalFields: { sub: text, data: text } },
    telemetry: { enabled: false },
  });
  const controller = controllerOf(({ user }) => ({ sub: user.sub }), [Session()]);
  const app = await createApp('express', controller, [AuthModule.forRoot({ auth })], { bodyParser: false });
  return { app, logIn: () => signUp(auth) };
}

/** A user with so much beside the name that a session is as long as those of the other subjects. */
async function signUp(auth) {
  const user = claims('https://login.example');
  const data = JSON.stringify(tokens(user));
  const body = { name: user.name, email: user.email, password: 'a-long-bench-password', sub: SUB, data };
  const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true });
  return { cookies: [cookieOf(headers)] };
}
