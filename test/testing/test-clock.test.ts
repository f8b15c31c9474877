import { afterEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CLOCK, loginAs, OIDC_OPTIONS, OidcTestProvider, TestClock, type TestLogin } from 'nest-oidc/testing';
import request from 'supertest';
import { AppModule } from './recipes/app.module.js';

describe('an application with a test clock', () => {
  let provider: OidcTestProvider;
  let app: INestApplication;

  const start = async (clock: TestClock): Promise<void> => {
    provider = await OidcTestProvider.start({ clock, accessTokenLifetime: 300 });
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(OIDC_OPTIONS)
      .useValue(provider.options({ baseUrl: 'http://localhost:3000/shop' }))
      .overrideProvider(CLOCK)
      .useValue(clock)
      .compile();
    app = await module.createNestApplication({ logger: false }).init();
  };

  afterEach(async () => {
    await app.close();
    await provider.close();
  });

  const order = ({ cookie }: TestLogin): Promise<request.Response> =>
    request(app.getHttpServer())
      .post('/orders')
      .set('Cookie', cookie)
      .then((response) => response);

  it.each([
    ['the past', Date.UTC(2020, 0, 1)],
    ['the future', Date.UTC(2100, 0, 1)],
  ])('logs a user in at the provider in %s', async (_when, startsAt) => {
    const clock = new TestClock(startsAt);
    await start(clock);
    provider.loginAs({ sub: 'alice' });
    const browser = request.agent(app.getHttpServer());
    const login = await browser.get('/auth/login').expect(302);
    const callback = await provider.visit(String(login.header['location']));
    expect(callback).toMatch(/^\/auth\/callback\?/u);
    await browser.get(callback).expect(303);
    await clock.advance(300_000);
    await browser.post('/orders').expect(201);
    expect(provider.count('token', { grant_type: 'refresh_token' })).toBe(1);
  });

  it('gives up on a provider that hangs when the clock says so', async () => {
    const clock = new TestClock();
    await start(clock);
    const user = { sub: 'alice' };
    const login = await loginAs(app, user, await provider.issueTokens(user));
    await clock.advance(300_000);
    provider.fail('token', 'hang');
    const answer = order(login);
    while (provider.count('token') === 0) await new Promise(setImmediate);
    await clock.advance(10_000);
    expect((await answer).status).toBe(503);
    provider.recover();
    await clock.advance(60_000);
    expect((await order(login)).status).toBe(201);
  });
});
