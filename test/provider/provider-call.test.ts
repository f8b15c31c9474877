import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../lib/common/clock.js';
import { ProviderCall } from '../../lib/provider/provider-call.js';
import { CERTIFICATE, CERTIFICATE_KEY } from '../support/certificate.js';
import { deferred } from '../common/deferred.js';

const MAX_BYTES = 64 * 1024;

describe('a request to the provider', () => {
  let server: Server | undefined;

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    server = undefined;
  });

  async function listen(created: Server): Promise<number> {
    server = created;
    await new Promise<void>((resolve) => created.listen(0, resolve));
    return (created.address() as AddressInfo).port;
  }

  async function ask(listener: RequestListener, timeoutMs = 5000): Promise<ProviderCall> {
    return askAt(`http://localhost:${await listen(createServer(listener))}/`, timeoutMs);
  }

  async function askAt(url: string, timeoutMs = 5000): Promise<ProviderCall> {
    const call = new ProviderCall(systemClock, { timeoutMs, maxBytes: MAX_BYTES });
    await call.fetch(url, { method: 'GET', headers: {}, body: null, redirect: 'manual' }).catch(() => undefined);
    return call;
  }

  it('leaves a body that is too large without reading it to its end [NET-04]', async () => {
    const { promise: closed, resolve: close } = deferred<number>();
    const { failure } = await ask((_request, response) => {
      let sent = 0;
      response.on('close', () => close(sent));
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16 * 1024, 120))) sent += 16 * 1024;
        response.once('drain', more);
      };
      more();
    });
    expect(failure).toMatchObject({ code: 'response_too_large', statusCode: 502 });
    // What the sockets hold is sent, the rest of an endless body is not.
    expect(await closed).toBeLessThan(64 * 1024 * 1024);
  });

  it('counts what a compressed body becomes, not what crossed the wire [NET-04]', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024, 32));
    expect(bomb.length).toBeLessThan(MAX_BYTES);
    const { failure } = await ask((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb);
    });
    expect(failure).toMatchObject({ code: 'response_too_large' });
  });

  it('is given up at its deadline while the body trickles in [NET-03]', async () => {
    const { failure } = await ask((_request, response) => {
      const trickle = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(trickle));
    }, 300);
    expect(failure).toMatchObject({ code: 'provider_unreachable', detail: 'timeout' });
  });

  it('is not sent to a server whose certificate nobody vouches for [NET-05]', async () => {
    let requests = 0;
    const tls = createTlsServer({ key: CERTIFICATE_KEY, cert: CERTIFICATE }, (_request, response) => {
      requests += 1;
      response.end('{}');
    });
    const { failure } = await askAt(`https://localhost:${await listen(tls)}/`);
    expect(failure).toMatchObject({ code: 'provider_unreachable', detail: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(requests).toBe(0);
  });

  it('follows no redirect [NET-02]', async () => {
    const paths: (string | undefined)[] = [];
    const { answer } = await ask(({ url }, response) => {
      paths.push(url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(answer.status).toBe(302);
    expect(paths).toEqual(['/']);
  });
});
