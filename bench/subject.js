// One subject in a process of its own: `node bench/subject.js <name>`. Tells its parent where it listens, and what CPU time
// and memory it has used when it is asked.
import { checkLoggedIn, checkRefused } from './subject-check.js';
import { subjects } from './subjects/index.js';

const start = subjects[process.argv[2]];
if (!start) throw new Error(`There is no subject ${process.argv[2]}.`);

process.send(await listen());
process.on('message', (question) => {
  if (question === 'collect') globalThis.gc?.();
  process.send({ cpu: process.cpuUsage(), memory: process.memoryUsage() });
});
process.on('disconnect', () => process.exit());

/** Starts it, logs in where that takes requests, and wants it to tell those who are logged in from those who are not. */
async function listen() {
  const { app, isOpen = false, logIn, ...credentials } = await start({ redisUrl: process.env.REDIS_URL });
  await app.listen(0, '127.0.0.1');
  const origin = `http://127.0.0.1:${app.getHttpServer().address().port}`;
  const url = `${origin}/me`;
  if (!isOpen) await checkRefused(url);
  const { headers = {}, cookies } = logIn ? await logIn(origin) : credentials;
  const first = cookies ? { ...headers, cookie: cookies[0] } : headers;
  await checkLoggedIn(url, first);
  return { url, headers: first, cookies: cookies?.length > 1 ? cookies : [] };
}
