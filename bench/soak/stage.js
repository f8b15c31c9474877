import { freePort } from '../../test/support/free-port.js';
import { Child } from '../child.js';

/** The application and those who visit it, each in a process of its own. Lifetimes in seconds. */
export async function startStage({ store, redis, accessTokenLifetime, sessionLifetime, execArgv = [] }) {
  const baseUrl = `http://127.0.0.1:${await freePort()}`;
  const visitors = await start('visitors.js', [baseUrl, String(accessTokenLifetime)]);
  const application = await start('application.js', [store, redis.url, String(sessionLifetime)], { execArgv });
  const stop = async () => {
    await application.stop();
    await visitors.stop();
  };
  return { visitors, application, url: `${baseUrl}/me`, stop };
}

function start(file, args, options = {}) {
  return Child.start(new URL(file, import.meta.url), args, { env: { NODE_ENV: 'test' }, ...options });
}
