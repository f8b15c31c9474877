// The modules of the OpenID Foundation's conformance suite for relying parties, re-enacted by name: plan
// oidcc-client-refreshtoken-test-plan, with -invalid-aud and -invalid-azp, which the suite has but no plan of it names.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { REFRESH_TOKEN, type Json } from '../support/scripted-provider.js';
import { TimeTravel } from '../support/time-travel.js';
import { ModuleRun } from './module-run.js';

describe('oidcc-client-refreshtoken-test-plan', () => {
  let run: ModuleRun;
  let time: TimeTravel;

  beforeEach(async () => {
    time = new TimeTravel();
    run = await ModuleRun.start();
    await run.expectLogin();
    run.provider.requests = [];
    run.provider.script.tokenResponse = (response) => ({
      ...response,
      access_token: 'the-new-access-token',
      refresh_token: 'the-new-refresh-token',
    });
    time.forward(3601);
  });

  afterEach(async () => {
    time.end();
    await run.end();
  });

  it('oidcc-client-test-refresh-token: the new access token is the one that UserInfo is asked with', async () => {
    const { accessToken } = (await run.browser.fetch(`${run.app.url}/token`)).json<{ accessToken: string }>();
    // What the application does with the token it was given.
    const authorization = `Bearer ${accessToken}`;
    const userInfo = await fetch(`${run.provider.issuer}/userinfo`, { headers: { authorization } });
    expect(await userInfo.json()).toMatchObject({ sub: run.provider.sub });

    expect(run.flow).toEqual(['/token', '/userinfo']);
    const { headers, params } = run.only('/token');
    expect(headers.authorization).toMatch(/^Basic /u);
    expect(Object.fromEntries(params)).toEqual({ grant_type: 'refresh_token', refresh_token: REFRESH_TOKEN });
    expect(run.only('/userinfo').headers.authorization).toBe('Bearer the-new-access-token');
    expect(await run.isLoggedIn()).toBe(true);
  });

  it.each<[module: string, bent: Json]>([
    ['oidcc-client-test-refresh-token-invalid-issuer: another iss ends the session', { iss: 'https://op.example' }],
    ['oidcc-client-test-refresh-token-invalid-sub: another sub ends the session', { sub: 'mallory' }],
    ['oidcc-client-test-refresh-token-invalid-aud: another aud ends the session', { aud: 'another-client' }],
    [
      'oidcc-client-test-refresh-token-invalid-azp: an azp that was not there ends the session',
      { azp: 'another-party' },
    ],
  ])('%s, and no token of that answer is used, and an alarm is raised [REF-04] [REF-05]', async (_module, bent) => {
    run.bendClaims(bent);
    const answer = await run.browser.fetch(`${run.app.url}/token`);
    expect(answer.status).toBe(401);
    expect(answer.body).not.toContain('the-new-access-token');
    expect(await run.isLoggedIn()).toBe(false);
    expect(run.flow).toEqual(['/token']);
    const told = run.app.events.filter(({ name }) => name === 'refresh.identity_rejected' || name === 'session.ended');
    expect(told).toEqual([
      { name: 'refresh.identity_rejected', session: expect.any(String), reason: expect.any(String) },
      { name: 'session.ended', session: expect.any(String), cause: 'subject_changed' },
    ]);
  });
});
