import { afterAll, beforeAll, expect, it } from 'vitest';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CLOCK, loginAs, TestClock } from 'nest-oidc/testing';
import { AppModule } from './app.module.js';

const HOUR_MS = 3_600_000;
const clock = new TestClock();
let app: NestFastifyApplication;

beforeAll(async () => {
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(CLOCK)
    .useValue(clock)
    .compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.init();
});

afterAll(() => app.close());

it('forgets a user who has not come for a day', async () => {
  const { headers } = await loginAs(app, { sub: 'alice' });
  await clock.advance(23 * HOUR_MS);
  expect(await app.inject({ url: '/orders', headers })).toMatchObject({ statusCode: 200, body: '{"user":"alice"}' });
  await clock.advance(24 * HOUR_MS);
  expect(await app.inject({ url: '/orders', headers })).toMatchObject({ statusCode: 401 });
});
