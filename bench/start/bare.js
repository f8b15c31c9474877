// Nest and nothing else. Says on standard output where it listens, and to who asks what CPU time that has taken.
import { controllerOf, createApp } from '../subjects/platform.js';

const app = await createApp(
  'express',
  controllerOf(() => process.cpuUsage()),
);
await app.listen(0, '127.0.0.1');
console.log(app.getHttpServer().address().port);
