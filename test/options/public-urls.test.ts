import { afterEach, describe, expect, it } from '@jest/globals';
import { RequestMethod, VersioningType, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OidcModule, type OidcModuleExtras } from 'nest-oidc';
import { PublicUrls } from '../../lib/options/public-urls.js';
import { ROUTE_NAMES } from '../../lib/options/routes.js';
import { looseOptions, type Loose } from './valid-options.js';

const LOGOUT_ROUTES = { frontChannelLogout: '/auth/frontchannel-logout', postLogout: '/auth/logged-out' };

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
    const prepare = (app: INestApplication) =>
      app.setGlobalPrefix('api', {
        exclude: [
          { path: 'auth/login', method: RequestMethod.POST },
          { path: 'auth/logout', method: RequestMethod.POST },
          { path: 'auth/backchannel-logout', method: RequestMethod.POST },
          { path: 'auth/frontchannel-logout', method: RequestMethod.POST },
          { path: 'auth/logged-out', method: RequestMethod.GET },
          { path: 'auth/me', method: RequestMethod.ALL },
        ],
      });
    const urls = await given({}, prepare, { routes: LOGOUT_ROUTES });
    expect(urls.pathOf('login')).toBe('/api/auth/login');
    expect(urls.pathOf('logout')).toBe('/auth/logout');
    expect(urls.pathOf('me')).toBe('/auth/me');
    expect(urls.pathOf('backChannelLogout')).toBe('/auth/backchannel-logout');
    expect(urls.pathOf('frontChannelLogout')).toBe('/api/auth/frontchannel-logout');
    expect(urls.pathOf('postLogout')).toBe('/auth/logged-out');
  });

  it('are where Nest serves the routes', async () => {
    const prepare = (app: INestApplication): void => {
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      app.setGlobalPrefix('api', { exclude: ['auth/logout', 'auth/backchannel-logout'] });
    };
    const urls = await given({}, prepare, { routes: LOGOUT_ROUTES });
    const [app] = apps;
    await app?.init();
    const stack = app?.getHttpAdapter().getInstance().router.stack as { route?: { path: string } }[];
    const served = stack.flatMap(({ route }) => (route ? [route.path] : []));
    for (const route of ROUTE_NAMES) expect(served).toContain(urls.pathOf(route));
  });

  it('tell the path that this process serves from the one that browsers see', async () => {
    const urls = await given({ baseUrl: 'https://example.com/one' }, (app) => app.setGlobalPrefix('api'));
    expect(urls.pathOf('backChannelLogout')).toBe('/one/api/auth/backchannel-logout');
    expect(urls.servedPathOf('backChannelLogout')).toBe('/api/auth/backchannel-logout');
    expect(urls.servedPathOf('frontChannelLogout')).toBeUndefined();
  });

  it('have the provider send the browser to the route postLogout where there is one', async () => {
    const baseUrl = 'https://example.com/one';
    const urls = await given({ baseUrl, logout: { returnTo: '/bye' } }, (app) => app.setGlobalPrefix('api'), {
      routes: LOGOUT_ROUTES,
    });
    expect(urls.postLogoutRedirectUri).toBe('https://example.com/one/api/auth/logged-out');
    expect(urls.afterLogout).toBe('/one/bye');
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
