import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Post, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  AuthorizationGuard,
  CurrentUser,
  OptionalAuth,
  Public,
  RequireClaims,
  RequireScopes,
  Roles,
  type Claims,
} from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt, type Json } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';
import { TimeTravel } from '../support/time-travel.js';

/** A guard of an application: what it saw of the user when it was its turn. */
@Injectable()
class HourGuard implements CanActivate {
  static seen: unknown[] = [];

  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<{ user?: Claims }>();
    HourGuard.seen.push(user?.sub);
    return user?.['office_hours'] === true;
  }
}

@Controller('orders')
class OrdersController {
  @RequireScopes('orders:read')
  @Get()
  list(@CurrentUser('sub') sub: string): unknown {
    return { sub };
  }

  @RequireScopes('orders:read')
  @Post()
  create(): unknown {
    return {};
  }

  @RequireScopes('orders:read', 'orders:write')
  @Get('both')
  both(): unknown {
    return {};
  }

  @RequireClaims({ email_verified: true, tier: ['gold', 'silver'], age: (age) => Number(age) >= 18 })
  @Get('claims')
  claims(): unknown {
    return {};
  }

  @RequireClaims({ groups: 'staff' })
  @Get('groups')
  groups(): unknown {
    return {};
  }

  @RequireClaims({ tier: (async () => true) as never })
  @Get('promise')
  promise(): unknown {
    return {};
  }

  @RequireClaims({ banned: (value) => value === undefined })
  @Get('absent')
  absent(): unknown {
    return {};
  }

  @Roles('admin', 'auditor')
  @Get('any-role')
  anyRole(): unknown {
    return {};
  }

  @Roles('admin')
  @Roles('auditor')
  @Get('every-role')
  everyRole(): unknown {
    return {};
  }

  @Roles('admin')
  @RequireScopes('orders:read')
  @RequireClaims({ tier: 'gold' })
  @Get('all-kinds')
  allKinds(): unknown {
    return {};
  }

  @OptionalAuth()
  @Roles('admin')
  @Get('optional')
  optional(): unknown {
    return {};
  }

  @Public()
  @Roles('admin')
  @Get('contradiction')
  contradiction(): unknown {
    return {};
  }

  @UseGuards(HourGuard)
  @Roles('admin')
  @Get('hours')
  hours(): unknown {
    return {};
  }

  @UseGuards(AuthorizationGuard)
  @Get('nothing-required')
  nothingRequired(): unknown {
    return {};
  }
}

@Roles('admin')
@Controller('admin')
class AdminController {
  @Get()
  home(): unknown {
    return {};
  }

  @Roles('auditor')
  @Get('audits')
  audits(): unknown {
    return {};
  }

  @RequireScopes('orders:read')
  @Get('orders')
  orders(): unknown {
    return {};
  }

  @Public()
  @Get('health')
  health(): unknown {
    return {};
  }
}

@Controller('reports')
class ReportsController extends AdminController {}

const controllers = [OrdersController, AdminController, ReportsController];
const scope = 'openid offline_access orders:read';

let provider: ScriptedProvider;
let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  provider = await ScriptedProvider.start();
});

afterAll(() => provider.stop());

beforeEach(() => {
  provider.reset();
  browser = new Browser();
  HourGuard.seen = [];
});

/** Logs the user in with these claims in the ID token. */
async function logIn(claims: Json = {}, tokenResponse: (response: Json) => unknown = (response) => response) {
  provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, ...claims } });
  provider.script.tokenResponse = tokenResponse;
  await browser.navigate(`${app.url}/auth/login`);
}

const statusOf = async (path: string): Promise<number> => (await browser.fetch(`${app.url}${path}`)).status;

describe.each(platforms)('on %s', (platform) => {
  beforeAll(async () => {
    app = await startAppAt(provider, { platform, controllers, options: { login: { scope } } });
  });

  afterAll(() => app.close());

  afterEach(() => void (app.events.length = 0));

  it('lets a user through whose access token has the scope', async () => {
    await logIn();
    const answer = await browser.fetch(`${app.url}/orders`);
    expect([answer.status, answer.json()]).toEqual([200, { sub: 'alice' }]);
  });

  it('tells a script 403, with a code and an id', async () => {
    await logIn();
    const answer = await browser.fetch(`${app.url}/orders/both`);
    expect(answer.status).toBe(403);
    expect(answer.json()).toEqual({ error: 'access_denied', correlationId: expect.any(String) });
  });

  it('shows a person a page, and sends nobody to another login', async () => {
    await logIn();
    const answer = await browser.open(`${app.url}/orders/both`);
    expect(answer.status).toBe(403);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('Access refused');
    expect(answer.body).not.toContain('/auth/login');
    expect(await statusOf('/orders')).toBe(200);
  });

  it('tells the listener who was refused, and for want of what', async () => {
    await logIn();
    const { session } = (await browser.fetch(`${app.url}/profile`)).json();
    app.events.length = 0;
    const { correlationId } = (await browser.fetch(`${app.url}/orders/both`)).json();
    const refusal = { name: 'request.failed', code: 'access_denied', reason: 'scopes', correlationId };
    expect(app.events).toEqual([{ ...refusal, session, sub: 'alice' }]);
  });

  it('asks a visitor to log in: a page by a redirect, a script by 401', async () => {
    const page = await browser.open(`${app.url}/orders/any-role`);
    expect([page.status, page.location]).toEqual([302, '/auth/login?returnTo=%2Forders%2Fany-role']);
    expect(await statusOf('/orders/any-role')).toBe(401);
    expect(await statusOf('/orders/optional')).toBe(401);
  });

  it('refuses a route that is @Public() and requires something, to everybody', async () => {
    expect(await statusOf('/orders/contradiction')).toBe(403);
    expect(await statusOf('/admin/health')).toBe(403);
    await logIn({ roles: ['admin'] });
    expect(await statusOf('/orders/contradiction')).toBe(403);
    expect(await statusOf('/admin/health')).toBe(403);
  });

  it('asks nothing more where nothing is required', async () => {
    await logIn();
    expect(await statusOf('/orders/nothing-required')).toBe(200);
  });
});

describe('a user', () => {
  beforeAll(async () => {
    app = await startAppAt(provider, { controllers, options: { login: { scope } } });
  });

  afterAll(() => app.close());

  it.each([
    ['one of the roles', ['auditor'], 200],
    ['a single role as a text', 'admin', 200],
    ['another role', ['user'], 403],
    ['a role that only contains the name', ['administrator'], 403],
    ['a role in other case', ['Admin'], 403],
    ['no roles', undefined, 403],
    ['an object in their place', { admin: true }, 403],
    ['a list in a list', [['admin']], 403],
  ])('with %s: %j is answered %i', async (_what, roles, status) => {
    await logIn({ roles });
    expect(await statusOf('/orders/any-role')).toBe(status);
  });

  it('needs every one of several decorators', async () => {
    await logIn({ roles: ['admin'] });
    expect(await statusOf('/orders/every-role')).toBe(403);
    await logIn({ roles: ['admin', 'auditor'] });
    expect(await statusOf('/orders/every-role')).toBe(200);
  });

  it.each([
    ['all of them', { roles: ['admin'], tier: 'gold' }, 200],
    ['all but the role', { roles: [], tier: 'gold' }, 403],
    ['all but the claim', { roles: ['admin'], tier: 'silver' }, 403],
  ])('needs what decorators of different kinds ask for: with %s', async (_what, claims, status) => {
    await logIn(claims);
    expect(await statusOf('/orders/all-kinds')).toBe(status);
  });

  const good = { email_verified: true, tier: 'silver', age: 18 };

  it.each([
    ['claims as required', good, 200],
    ['a text for a truth', { ...good, email_verified: 'true' }, 403],
    ['a value that is not listed', { ...good, tier: 'bronze' }, 403],
    ['a value that the function does not take', { ...good, age: 17 }, 403],
    ['one of them absent', { ...good, tier: undefined }, 403],
  ])('with %s: %j is answered %i', async (_what, claims, status) => {
    await logIn(claims);
    expect(await statusOf('/orders/claims')).toBe(status);
  });

  it('has what is an item of a claim that is a list', async () => {
    await logIn({ groups: ['users', 'staff'] });
    expect(await statusOf('/orders/groups')).toBe(200);
    await logIn({ groups: [] });
    expect(await statusOf('/orders/groups')).toBe(403);
  });

  it('is refused by a function that promises an answer', async () => {
    await logIn({ tier: 'gold' });
    expect(await statusOf('/orders/promise')).toBe(403);
  });

  it('may be required to have no such claim, by a function', async () => {
    await logIn();
    expect(await statusOf('/orders/absent')).toBe(200);
    await logIn({ banned: true });
    expect(await statusOf('/orders/absent')).toBe(403);
  });

  it('meets the method’s roles in place of its class’s, and its scopes beside them', async () => {
    await logIn({ roles: ['auditor'] });
    expect(await statusOf('/admin')).toBe(403);
    expect(await statusOf('/admin/audits')).toBe(200);
    expect(await statusOf('/admin/orders')).toBe(403);
    await logIn({ roles: ['admin'] });
    expect(await statusOf('/admin')).toBe(200);
    expect(await statusOf('/admin/audits')).toBe(403);
    expect(await statusOf('/admin/orders')).toBe(200);
  });

  it('meets the requirements of a class in those that extend it', async () => {
    await logIn({ roles: ['auditor'] });
    expect(await statusOf('/reports')).toBe(403);
    await logIn({ roles: ['admin'] });
    expect(await statusOf('/reports')).toBe(200);
  });

  it('comes to the guards of the application when login and requirements are met', async () => {
    expect(await statusOf('/orders/hours')).toBe(401);
    await logIn({ roles: ['user'], office_hours: true });
    expect(await statusOf('/orders/hours')).toBe(403);
    expect(HourGuard.seen).toEqual([]);
    await logIn({ roles: ['admin'], office_hours: false });
    expect(await statusOf('/orders/hours')).toBe(403);
    await logIn({ roles: ['admin'], office_hours: true });
    expect(await statusOf('/orders/hours')).toBe(200);
    expect(HourGuard.seen).toEqual(['alice', 'alice']);
  });
});

describe('the scope of an access token', () => {
  beforeAll(async () => {
    app = await startAppAt(provider, { controllers, options: { login: { scope } } });
  });

  afterAll(() => app.close());

  it('is what the provider granted, not what was asked for', async () => {
    await logIn({}, (response) => ({ ...response, scope: 'openid' }));
    expect(await statusOf('/orders')).toBe(403);
  });

  it('is what was asked for when the provider does not say (RFC 6749 §5.1)', async () => {
    await logIn({}, (response) => ({ ...response, scope: undefined }));
    expect(await statusOf('/orders')).toBe(200);
    expect(await statusOf('/orders/both')).toBe(403);
  });

  it.each([
    ['is the new one after a refresh that narrows it', { scope: 'openid' }, 403],
    ['stays what it was after a refresh that does not name it', { scope: undefined }, 200],
  ])('%s', async (_what, refreshed, status) => {
    await logIn();
    provider.script.tokenResponse = (response) => ({ ...response, ...refreshed });
    const time = new TimeTravel();
    time.forward(3700);
    try {
      expect(await statusOf('/orders')).toBe(status);
    } finally {
      time.end();
    }
  });
});

describe('without the global guard', () => {
  beforeAll(async () => {
    const extras = { globalGuard: false };
    app = await startAppAt(provider, { controllers, extras, options: { login: { scope } } });
  });

  afterAll(() => app.close());

  it('a requirement brings login and itself along', async () => {
    expect(await statusOf('/orders/any-role')).toBe(401);
    expect(await statusOf('/admin')).toBe(401);
    await logIn({ roles: ['user'] });
    expect(await statusOf('/orders/any-role')).toBe(403);
    await logIn({ roles: ['admin'] });
    expect(await statusOf('/orders/any-role')).toBe(200);
  });

  it('a requirement brings the check of the origin along', async () => {
    await logIn();
    const order = (origin: string) => browser.fetch(`${app.url}/orders`, { method: 'POST', headers: { origin } });
    const refused = await order('https://evil.example');
    expect([refused.status, refused.json()['error']]).toEqual([403, 'csrf_rejected']);
    expect((await order(app.url)).status).toBe(201);
  });
});

describe('the claim that holds the roles', () => {
  afterEach(() => app.close());

  it.each([
    ['realm_access.roles', { realm_access: { roles: ['admin'] } }],
    [['resource_access', 'my.client', 'roles'], { resource_access: { 'my.client': { roles: ['admin'] } } }],
    [['https://example.com/roles'], { 'https://example.com/roles': ['admin'] }],
  ])('is the one at %j', async (rolesClaim, claims) => {
    app = await startAppAt(provider, { controllers, options: { authorization: { rolesClaim } } });
    await logIn({ roles: ['admin'] });
    expect(await statusOf('/orders/any-role')).toBe(403);
    await logIn(claims);
    expect(await statusOf('/orders/any-role')).toBe(200);
  });

  it('is never what every object has', async () => {
    app = await startAppAt(provider, { controllers, options: { authorization: { rolesClaim: 'constructor.name' } } });
    await logIn();
    expect(await statusOf('/orders/any-role')).toBe(403);
  });
});

describe('a requirement of nothing is refused where it is written:', () => {
  const unset = undefined as unknown as string;

  it.each([
    ['scopes without one', () => RequireScopes(...([] as unknown as ['x']))],
    ['two scopes in one text', () => RequireScopes('orders:read orders:write')],
    ['a scope that is unset', () => RequireScopes(unset)],
    ['roles without one', () => Roles(...([] as unknown as ['x']))],
    ['a role that is unset', () => Roles('admin', unset)],
    ['a role without a letter', () => Roles('')],
    ['claims without one', () => RequireClaims({})],
    ['a claim whose value is unset', () => RequireClaims({ tenant: unset })],
    ['a claim with no values', () => RequireClaims({ tenant: [] })],
  ])('%s', (_what, decorate) => {
    expect(decorate).toThrow(TypeError);
  });
});
