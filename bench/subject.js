// One subject in a process of its own: `node bench/subject.js <name>`. Tells its parent where it listens, and what CPU it
// has used when it is asked.
import { subjects } from './subjects/index.js';

const start = subjects[process.argv[2]];
if (!start) throw new Error(`There is no subject ${process.argv[2]}.`);

const { app, headers = {} } = await start({ redisUrl: process.env.REDIS_URL });
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address();

process.on('message', (question) => {
  if (question === 'collect') globalThis.gc?.();
  process.send({ cpu: process.cpuUsage(), memory: process.memoryUsage() });
});
process.on('disconnect', () => process.exit());
process.send({ url: `http://127.0.0.1:${port}/me`, headers });
