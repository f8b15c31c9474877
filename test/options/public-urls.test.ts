import { afterEach, describe, expect, it } from '@jest/globals';
import { RequestMethod, VersioningType, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OidcModule, type OidcModuleExtras } from 'nest-oidc';
import { PublicUrls } from '../../lib/options/public-urls.js';
import { looseOptions, type Loose } from './valid-options.js';

describe('PublicUrls', () => {
  const apps: INestApplication[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  async function given(
    options: Loose = {},
    prepare: (app: INestApplication) => unknown = () => undefined,
    extras: OidcModuleExtras = {},
  ): Promise<PublicUrls> {
    const module = await Test.createTestingModule({
      imports: [OidcModule.forRoot({ ...looseOptions(options), ...extras })],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    apps.push(app);
    prepare(app);
    return app.get(PublicUrls, { strict: false });
  }

  it('are made of baseUrl and the route', async () => {
    const urls = await given();
    expect(urls.redirectUri).toBe('https://app.example.com/auth/callback');
    expect(urls.postLogoutRedirectUri).toBe('https://app.example.com/');
    expect(urls.pathOf('login')).toBe('/auth/login');
    expect(urls.afterLogin).toBe('/');
    expect(urls.afterLogout).toBe('/');
  });

  it('have the path of baseUrl in front', async () => {
    const urls = await given({
      baseUrl: 'https://example.com/apps/one/',
      login: { defaultReturnTo: '/home' },
      logout: { returnTo: '/bye' },
    });
    expect(urls.redirectUri).toBe('https://example.com/apps/one/auth/callback');
    expect(urls.postLogoutRedirectUri).toBe('https://example.com/apps/one/bye');
    expect(urls.pathOf('me')).toBe('/apps/one/auth/me');
    expect(urls.afterLogin).toBe('/apps/one/home');
    expect(urls.afterLogout).toBe('/apps/one/bye');
  });

  it.each(['api', '/api', '/api/', 'api/'])('have the global prefix %j between base path and route', async (prefix) => {
    const urls = await given({ baseUrl: 'https://example.com/one' }, (app) => app.setGlobalPrefix(prefix));
    expect(urls.redirectUri).toBe('https://example.com/one/api/auth/callback');
    expect(urls.pathOf('logout')).toBe('/one/api/auth/logout');
  });

  it('leave out the global prefix where a route is excluded from it, as Nest does', async () => {
    const urls = await given({}, (app) => app.setGlobalPrefix('api', { exclude: ['auth/callback', '/auth/me'] }));
    expect(urls.redirectUri).toBe('https://app.example.com/auth/callback');
    expect(urls.pathOf('me')).toBe('/auth/me');
    expect(urls.pathOf('login')).toBe('/api/auth/login');
  });

  it('leave out the global prefix where all routes are excluded by a wildcard', async () => {
    const urls = await given({}, (app) => app.setGlobalPrefix('api', { exclude: ['auth/{*path}'] }));
    expect(['login', 'callback', 'logout', 'me'].map((route) => urls.pathOf(route as 'me'))).toEqual([
      '/auth/login',
      '/auth/callback',
      '/auth/logout',
      '/auth/me',
    ]);
  });

  it('keep the global prefix where another method is excluded', async () => {
    const urls = await given({}, (app) =>
      app.setGlobalPrefix('api', {
        exclude: [
          { path: 'auth/login', method: RequestMethod.POST },
          { path: 'auth/logout', method: RequestMethod.POST },
          { path: 'auth/me', method: RequestMethod.ALL },
        ],
      }),
    );
    expect(urls.pathOf('login')).toBe('/api/auth/login');
    expect(urls.pathOf('logout')).toBe('/auth/logout');
    expect(urls.pathOf('me')).toBe('/auth/me');
  });

  it('are where Nest serves the routes', async () => {
    const urls = await given({}, (app) => {
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      app.setGlobalPrefix('api', { exclude: ['auth/logout'] });
    });
    const [app] = apps;
    await app?.init();
    const stack = app?.getHttpAdapter().getInstance().router.stack as { route?: { path: string } }[];
    const served = stack.flatMap(({ route }) => (route ? [route.path] : []));
    for (const route of ['login', 'callback', 'logout', 'me'] as const) expect(served).toContain(urls.pathOf(route));
  });

  it('do not exist for routes that are switched off', async () => {
    const urls = await given({}, undefined, { routes: { login: false } });
    expect(urls.pathOf('login')).toBeUndefined();
  });

  it('name the redirect URI also where the application answers it itself', async () => {
    const urls = await given(
      { baseUrl: 'https://example.com/one', login: { callbackPath: '/api/cb' } },
      (app) => app.setGlobalPrefix('api'),
      { routes: { callback: false } },
    );
    expect(urls.redirectUri).toBe('https://example.com/one/api/cb');
  });
});
