// Sends bursts, over connections that stay open.
import { Agent, get } from 'node:http';
import { answer } from './answer.js';

const agent = new Agent({ keepAlive: true });

answer({
  /** That many requests at once, over the addresses in turn. Answers how long each took, and how many failed. */
  burst: async ({ urls, cookie, count }) => {
    const requests = Array.from({ length: count }, (_, index) => send(urls[index % urls.length], cookie));
    const answers = await Promise.all(requests);
    return { ms: answers.map(({ ms }) => ms), failed: answers.filter(({ status }) => status !== 200).length };
  },
});

function send(url, cookie) {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const settle = (status) => resolve({ status, ms: performance.now() - startedAt });
    const request = get(url, { agent, headers: { cookie, accept: 'application/json' } }, (response) => {
      response.resume().once('end', () => settle(response.statusCode));
    });
    request.once('error', () => settle(0));
  });
}
