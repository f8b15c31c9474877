import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MemorySessionStore, OidcModule, SessionService } from 'nest-oidc';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { Browser } from '../support/browser.js';
import { SECRET } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';

describe('a process that answers no requests, as one for jobs', () => {
  it('administers the sessions of those that do', async () => {
    const provider = await ScriptedProvider.start();
    const session = { store: new MemorySessionStore() };
    const app = await startAppAt(provider, { options: { session } });
    const client = { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, issuer: provider.issuer, allowInsecure: true };
    @Module({ imports: [OidcModule.forRoot({ ...client, baseUrl: app.url, secret: SECRET, session })] })
    class JobsModule {}
    const jobs = await NestFactory.createApplicationContext(JobsModule, { logger: false, abortOnError: false });
    try {
      const browser = new Browser();
      await browser.navigate(`${app.url}/auth/login`);
      expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
      expect(await jobs.get(SessionService).endAll('alice')).toBe(1);
      expect((await browser.fetch(`${app.url}/profile`)).status).toBe(401);
    } finally {
      await jobs.close();
      await app.close();
      await provider.stop();
    }
  });
});
