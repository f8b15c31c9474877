import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { readFileSync } from 'node:fs';
import { OidcModule, Public } from 'nest-oidc';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { freePort } from '../support/free-port.js';
import { SECRET } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';
import { authThrottling } from './auth-throttling.js';

@Controller()
class PagesController {
  @Public()
  @Get()
  home(): string {
    return 'home';
  }
}

/** As many as the recipe allows in a minute. */
const LIMIT = 20;

describe.each(['express', 'fastify'])('the throttling recipe, on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: INestApplication;
  let url: string;

  beforeEach(async () => {
    provider = await ScriptedProvider.start();
    url = `http://localhost:${await freePort()}`;
    const oidc = OidcModule.forRoot({
      issuer: provider.issuer,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      baseUrl: url,
      secret: SECRET,
      allowInsecure: true,
    });
    @Module({
      imports: [oidc, ThrottlerModule.forRoot(authThrottling)],
      controllers: [PagesController],
      providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
    })
    class AppModule {}
    const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter({ trustProxy: true });
    app = await NestFactory.create(AppModule, adapter, { logger: false });
    if (platform === 'express') app.getHttpAdapter().getInstance().set('trust proxy', true);
    await app.listen(new URL(url).port);
  });
  afterEach(async () => {
    await app.close();
    await provider.stop();
  });

  const open = (path: string, address = '192.0.2.1'): Promise<BrowserResponse> =>
    new Browser().open(url + path, { 'x-forwarded-for': address });

  const exhaust = async (path: string, address?: string): Promise<void> => {
    for (let count = 1; count <= LIMIT; count += 1) expect((await open(path, address)).status).not.toBe(429);
  };

  it('limits logins by address, and says when to come again', async () => {
    await exhaust('/auth/login');
    const refused = await open('/auth/login');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await open('/auth/login', '192.0.2.2')).status).toBe(302);
  });

  it('limits a route however its path is written', async () => {
    await exhaust('/auth/login');
    for (const path of ['/AUTH/login', '/auth/login/', '/auth/login?returnTo=/x']) {
      expect([404, 429]).toContain((await open(path)).status);
    }
  });

  it('counts the callback by itself', async () => {
    await exhaust('/auth/login');
    expect((await open('/auth/callback')).status).toBe(400);
    await exhaust('/auth/callback', '192.0.2.3');
    expect((await open('/auth/callback', '192.0.2.3')).status).toBe(429);
  });

  it('leaves pages, the user’s claims and the provider’s logout tokens alone', async () => {
    for (let count = 1; count <= LIMIT + 1; count += 1) {
      expect((await open('/')).status).toBe(200);
      expect((await open('/auth/me')).status).toBe(401);
      const logout = await new Browser().send(`${url}/auth/backchannel-logout`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'logout_token=forged',
      });
      expect(logout.status).toBe(400);
    }
  });

  it('takes a network of IPv6 for one address', async () => {
    await exhaust('/auth/login', '2001:db8:1:2::1');
    expect((await open('/auth/login', '2001:db8:1:2:ffff::9')).status).toBe(429);
    expect((await open('/auth/login', '2001:db8:1:3::1')).status).toBe(302);
  });
});

it('the recipe is what is tested', () => {
  const page = readFileSync(new URL('../../docs/recipes/throttling.md', import.meta.url), 'utf8');
  expect(page).toContain(readFileSync(new URL('auth-throttling.ts', import.meta.url), 'utf8').trim());
});
