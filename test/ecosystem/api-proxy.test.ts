import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { ResourceServer } from '../support/resource-server.js';
import { raise, type Stage } from '../support/stage.js';
import { platforms } from '../support/test-app.js';
import { ApiProxyController } from './api-proxy.controller.js';

it('is the code of the recipe', async () => {
  const [page, code] = await Promise.all(
    ['../../docs/recipes/api-proxy.md', 'api-proxy.controller.ts'].map((path) =>
      readFile(new URL(path, import.meta.url), 'utf8'),
    ),
  );
  expect(page).toContain(`\`\`\`ts\n// api-proxy.controller.ts\n${code}\`\`\`\n`);
});

describe.each(platforms)('the proxy of the recipe, on %s', (platform) => {
  let api: ResourceServer;
  let stage: Stage;
  let headers: Readonly<Record<string, string>>;
  /** What the API has received. */
  const received: { request: IncomingMessage; body: string }[] = [];

  beforeAll(async () => {
    api = await ResourceServer.start();
    process.env['API_URL'] = new URL(api.url).origin;
    api.answer = async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      received.push({ request, body });
      if (request.method === 'DELETE') response.writeHead(204).end();
      else response.writeHead(418, { 'content-type': 'application/vnd.tea+json' }).end('{"tea":true}');
    };
  });

  beforeEach(async () => {
    received.length = 0;
    Reflect.defineMetadata('path', platform === 'express' ? '*path' : '*', ApiProxyController.prototype.forward);
    stage = await raise({ platform, controllers: [ApiProxyController] });
    ({ headers } = await stage.logIn());
  });

  afterEach(() => stage.close());
  afterAll(() => {
    delete process.env['API_URL'];
    return api.stop();
  });

  const send = (method: string, path: string, more: Readonly<Record<string, string>> = {}, body?: string) =>
    new Browser().fetch(`${stage.url}${path}`, { method, headers: { ...headers, ...more }, ...(body && { body }) });

  it('adds the user’s token, and keeps the cookie', async () => {
    const answer = await send('GET', '/api/tea?sort=name');
    expect([answer.status, answer.body]).toEqual([418, '{"tea":true}']);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/vnd.tea+json', 'cache-control': 'no-store' });
    const [{ request } = { request: undefined }] = received;
    expect(request?.url).toBe('/api/tea?sort=name');
    expect(request?.headers.authorization).toMatch(/^Bearer \S+$/u);
    expect(request?.headers.cookie).toBeUndefined();
  });

  it('sends bodies, and answers that have none', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await send('POST', '/api/tea', json, '{"cups":2}')).status).toBe(418);
    expect(received[0]?.body).toBe('{"cups":2}');
    const gone = await send('DELETE', '/api/tea');
    expect([gone.status, gone.body]).toEqual([204, '']);
  });

  it('sends nothing for visitors, for pages of another origin, and past its own part of the API', async () => {
    expect((await new Browser().fetch(`${stage.url}/api/tea`)).status).toBe(401);
    expect((await send('POST', '/api/tea', { origin: 'https://elsewhere.example' })).status).toBe(403);
    for (const path of ['/api/../internal', '/api/%2e%2e/internal', '//elsewhere.example/api/']) {
      expect((await send('GET', path)).status).toBe(404);
    }
    expect(received).toEqual([]);
  });
});
