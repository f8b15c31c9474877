import type { Server } from 'node:http';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';
import { read, ROOT, snippetsOf } from './snippets.js';

const PAGE = 'docs/quick-start.md';

/** What the page puts into `.env`. Jest gives each test file an environment of its own. */
function variablesOfPage(): string[] {
  const block = /^```ini\n(?<text>.*?)^```$/msu.exec(read(PAGE))?.groups?.['text'] ?? '';
  return Array.from(block.matchAll(/^(?<name>\w+)=/gmu), ({ groups }) => groups?.['name'] ?? '');
}

describe('whoever reads nothing but the quick start', () => {
  let directory: string;
  let provider: TestProvider;
  let app: INestApplication | undefined;
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://localhost:${port}`;
    provider = await TestProvider.start({
      redirectUris: [`${url}/auth/callback`],
      postLogoutRedirectUris: [`${url}/`],
    });
    const environment = {
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_CLIENT_SECRET: CLIENT_SECRET,
    };
    expect(variablesOfPage()).toEqual(Object.keys(environment));
    Object.assign(process.env, environment, { PORT: String(port) });
    directory = await mkdtemp(join(tmpdir(), 'quick-start-'));
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    for (const { file, text } of snippetsOf(PAGE)) if (file !== undefined) await writeFile(join(directory, file), text);
    await start();
  });

  afterAll(async () => {
    await app?.close();
    await provider?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Runs `main.ts`, which keeps its application to itself, until that listens. */
  async function start(): Promise<void> {
    const create = NestFactory.create.bind(NestFactory) as (
      module: unknown,
      options: object,
    ) => Promise<INestApplication>;
    jest.spyOn(NestFactory, 'create').mockImplementation(async (module: unknown) => {
      app = await create(module, { logger: false });
      return app as never;
    });
    await import(join(directory, 'main.ts'));
    await eventually(() => expect((app?.getHttpServer() as Server | undefined)?.listening).toBe(true));
  }

  it('registers the addresses that the application uses', () => {
    const page = read(PAGE);
    expect(page).toContain('`http://localhost:3000/auth/callback`');
    expect(page).toContain('`http://localhost:3000/`');
  });

  it('has a page for everybody, and one that asks for a login and shows who is logged in', async () => {
    const browser = new Browser();
    const home = await browser.open(`${url}/`);
    expect(home.status).toBe(200);
    expect(home.body).toContain('href="/hello"');
    const page = await browser.navigate(`${url}/hello`);
    expect([page.status, page.url]).toEqual([200, `${url}/hello`]);
    expect(page.body).toContain('Hello alice!');
    expect(provider.count('authorization_code')).toBe(1);
  });

  it('can log out with the button on that page', async () => {
    const browser = new Browser();
    await browser.navigate(`${url}/hello`);
    const logout = await browser.fetch(`${url}/auth/logout`, { method: 'POST', headers: { accept: 'text/html' } });
    expect(logout.status).toBe(303);
    expect(logout.location).toContain(`${provider.issuer}/session/end?`);
    expect((await browser.open(`${url}/hello`)).location).toContain('/auth/login');
  });
});
