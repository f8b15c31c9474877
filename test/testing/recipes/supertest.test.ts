import { afterAll, beforeAll, describe, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { loginAs } from 'nest-oidc/testing';
import request from 'supertest';
import { AppModule } from './app.module.js';

describe('orders', () => {
  let app: INestApplication;

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = await module.createNestApplication({ logger: false }).init();
  });

  afterAll(() => app.close());

  it('are those of the user', async () => {
    const { cookie } = await loginAs(app, { sub: 'alice', name: 'Alice' });
    await request(app.getHttpServer()).get('/orders').set('Cookie', cookie).expect(200, { user: 'alice' });
  });

  it('are placed in the name of the user', async () => {
    const { cookie } = await loginAs(app, { sub: 'alice' });
    await request(app.getHttpServer()).post('/orders').set('Cookie', cookie).expect(201, { authorized: true });
  });

  it('are shown to nobody else', async () => {
    await request(app.getHttpServer()).get('/orders').expect(401);
  });
});
