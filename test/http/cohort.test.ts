import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { LoginRequiredError } from '../../lib/common/errors.js';
import { AuthGuard } from '../../lib/http/auth.guard.js';
import { Cohort } from '../../lib/http/cohort.js';
import type { RequestAuthenticator } from '../../lib/http/request-authenticator.js';
import type { RouteAccess } from '../../lib/http/route-access.js';
import type { SocketSessions } from '../../lib/http/socket-sessions.js';

const settle = async (): Promise<void> => {
  for (let step = 0; step < 10; step += 1) await Promise.resolve();
};

describe('Cohort', () => {
  it('lets those that have come together go on together, in the order in which they came', async () => {
    const cohort = new Cohort();
    const gone: string[] = [];
    const come = (name: string): Promise<void> => cohort.join().then(() => void gone.push(name));
    const first = come('first');
    await settle();
    const last = come('last');
    await settle();
    expect(gone).toEqual([]);
    await Promise.all([first, last]);
    expect(gone).toEqual(['first', 'last']);
  });

  it('makes nobody wait for those that come later', async () => {
    const cohort = new Cohort();
    const earlier = cohort.join();
    await earlier;
    const later = cohort.join();
    expect(later).not.toBe(earlier);
    await later;
  });

  it('keeps each in the context in which it has come (AsyncLocalStorage)', async () => {
    const [cohort, storage] = [new Cohort(), new AsyncLocalStorage<string>()];
    const come = async (): Promise<string | undefined> => {
      await cohort.join();
      return storage.getStore();
    };
    const seen = ['first', 'second'].map((name) => storage.run(name, come));
    expect(await Promise.all(seen)).toEqual(['first', 'second']);
  });

  it('goes on within the turn in which it has come', async () => {
    const gone: string[] = [];
    const next = turn().then(() => turn());
    await Promise.all([new Cohort().join().then(() => gone.push('cohort')), next.then(() => gone.push('next turn'))]);
    expect(gone).toEqual(['cohort', 'next turn']);
  });
});

describe('AuthGuard', () => {
  afterEach(() => void jest.useRealTimers());

  const handler = (): void => undefined;

  function given(answer: () => unknown = () => ({})) {
    const asked: unknown[] = [];
    const authenticator = {
      require: (request: unknown) => {
        asked.push(request);
        return answer();
      },
    } as unknown as RequestAuthenticator;
    const routes = { of: () => ({ access: undefined, skipsOriginCheck: false }) } as unknown as RouteAccess;
    const guard = new AuthGuard(routes, authenticator, {} as SocketSessions);
    const ask = (type: string, args: unknown[]): Promise<boolean> =>
      guard.canActivate({
        getType: () => type,
        getArgs: () => args,
        getHandler: () => handler,
      } as unknown as ExecutionContext);
    return { asked, ask };
  }

  const request = (): object => ({ method: 'GET', headers: {} });

  it('looks at no request before it has all that came in with it', async () => {
    const { asked, ask } = given();
    const requests = [request(), request()];
    const first = ask('http', [requests[0]]);
    await settle();
    const second = ask('http', [requests[1]]);
    await settle();
    expect(asked).toEqual([]);
    expect(await Promise.all([first, second])).toEqual([true, true]);
    expect(asked).toEqual(requests);
  });

  it('does not gather the fields of a GraphQL request', async () => {
    const { asked, ask } = given();
    const req = request();
    const answer = ask('graphql', [undefined, undefined, { req }]);
    expect(asked).toEqual([req]);
    expect(await answer).toBe(true);
  });

  it('waits for whatever has to be waited for: a promise need not be an instance of the global Promise', async () => {
    const refusal = new LoginRequiredError('Nobody is logged in.');
    // oxlint-disable-next-line unicorn/no-thenable -- as some libraries have it
    const foreign = { then: (_resolve: unknown, reject: (error: Error) => void) => reject(refusal) };
    const { ask } = given(() => foreign);
    await expect(ask('http', [request()])).rejects.toBe(refusal);
  });

  it('is not held up by a test’s fake timers', async () => {
    jest.useFakeTimers();
    const { ask } = given();
    expect(await ask('http', [request()])).toBe(true);
  });
});
