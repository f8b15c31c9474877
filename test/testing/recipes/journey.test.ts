import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CLOCK, OIDC_OPTIONS, OidcTestProvider, TestClock } from 'nest-oidc/testing';
import request from 'supertest';
import { AppModule } from './app.module.js';

const clock = new TestClock();
let provider: OidcTestProvider;
let app: INestApplication;

beforeAll(async () => {
  provider = await OidcTestProvider.start({ clock, accessTokenLifetime: 300 });
});

afterAll(() => provider.close());

beforeEach(async () => {
  provider.reset();
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(OIDC_OPTIONS)
    .useValue(provider.options({ baseUrl: 'http://localhost:3000' }))
    .overrideProvider(CLOCK)
    .useValue(clock)
    .compile();
  app = await module.createNestApplication({ logger: false }).init();
});

afterEach(() => app.close());

async function browserOf(sub: string): Promise<ReturnType<typeof request.agent>> {
  provider.loginAs({ sub });
  const browser = request.agent(app.getHttpServer());
  const login = await browser.get('/auth/login').expect(302);
  await browser.get(await provider.visit(login.header['location'] as string)).expect(303);
  return browser;
}

it('logs a user in, and out at the provider as well', async () => {
  const browser = await browserOf('alice');
  await browser.get('/orders').expect(200, { user: 'alice' });
  const logout = await browser.post('/auth/logout').expect(303);
  expect(await provider.visit(logout.header['location'] as string)).toMatch(/^\/\?state=/u);
  await browser.get('/orders').expect(401);
});

it('keeps a user whose access token expires while the provider is down', async () => {
  const browser = await browserOf('alice');
  await clock.advance(300_000);
  provider.fail('token', 503);
  await browser.post('/orders').expect(503);
  provider.recover();
  await clock.advance(60_000);
  await browser.post('/orders').expect(201, { authorized: true });
});

it('ends the session when the provider says that the user has logged out', async () => {
  const browser = await browserOf('alice');
  const logoutToken = await provider.logoutToken({ sub: 'alice' });
  await request(app.getHttpServer())
    .post('/auth/backchannel-logout')
    .type('form')
    .send({ logout_token: logoutToken })
    .expect(200);
  await browser.get('/orders').expect(401);
});
