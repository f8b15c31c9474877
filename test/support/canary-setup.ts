import { afterAll, afterEach } from '@jest/globals';
import { canary, expectNoLeaks } from './canary.js';
import { listenToHttp } from './canary-http.js';
import { listenToLogs } from './canary-logs.js';

/** In every test file: nothing secret in a log, an event, or an answer. The test in which it happens fails. */
const stops = [listenToHttp(canary), listenToLogs(canary)];

afterEach(expectNoLeaks);

afterAll(() => {
  for (const stop of stops) stop();
  expectNoLeaks();
});
