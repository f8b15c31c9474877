import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { LoginRequiredError, StoreUnavailableError, UnsupportedContextError } from '../../lib/common/errors.js';
import { currentSession } from '../../lib/http/current-session.js';
import type { RequestAuthenticator } from '../../lib/http/request-authenticator.js';
import { SocketSessions } from '../../lib/http/socket-sessions.js';
import { SessionWatch } from '../../lib/session/session-watch.js';
import { CLAIMS, given, tokenSet } from '../session/given.js';

/** What is answered to a handshake whose session cannot be found, for this reason. */
async function refusalFor(reason: Error) {
  const { clock, store, repository, events } = given();
  const authenticator = { require: () => Promise.reject(reason) } as unknown as RequestAuthenticator;
  const watch = new SessionWatch(clock, store.inner, repository);
  const sockets = new SocketSessions(clock, authenticator, repository, watch, events);
  const handshake = {} as IncomingMessage;
  const refusal = await sockets.refusalOf(handshake, { anonymous: false });
  expect(sockets.isAdmitted(handshake)).toBe(false);
  return refusal;
}

async function connected() {
  const { clock, store, repository, events } = given();
  const { session } = await repository.create(CLAIMS, tokenSet(clock.now()));
  const authenticator = { require: () => Promise.resolve(session) } as unknown as RequestAuthenticator;
  const watch = new SessionWatch(clock, store.inner, repository);
  const sockets = new SocketSessions(clock, authenticator, repository, watch, events);
  const [handshake, socket, closes] = [{} as IncomingMessage, {}, [] as string[]];
  await sockets.refusalOf(handshake, { anonymous: false });
  const release = sockets.hold(handshake, {
    sockets: new Set([socket]),
    close: () => closes.push('closed'),
    exceptionOf: () => new Error(),
  });
  sockets.join(socket, handshake);
  await clock.advance(0);
  return { clock, repository, session, sockets, handshake, socket, closes, release };
}

describe('SocketSessions', () => {
  it('refuses what a socket still sends while it is being closed [SES-04]', async () => {
    const { repository, session, sockets, handshake, socket, closes } = await connected();
    expect(await sockets.sessionOf(socket)).toBe(session);
    expect(currentSession(socket)).toBe(session);
    await repository.end(session.id, 'logout');
    expect(closes).toEqual(['closed']);
    expect(currentSession(socket)).toBeUndefined();
    await expect(sockets.sessionOf(socket)).rejects.toThrow(LoginRequiredError);
    const late = {};
    sockets.join(late, handshake);
    expect(currentSession(late)).toBeUndefined();
  });

  it('listens to the connection of a visitor for nothing, however many messages it brings', async () => {
    const { clock, store, repository, events } = given();
    const authenticator = { find: async () => undefined } as unknown as RequestAuthenticator;
    const watch = new SessionWatch(clock, store.inner, repository);
    const sockets = new SocketSessions(clock, authenticator, repository, watch, events);
    const socket = new EventEmitter();
    const handshake = { headers: {}, socket } as unknown as IncomingMessage;
    for (let message = 0; message < 20; message += 1) {
      expect(
        await sockets.sessionOfUpgrade({ handshake, close: () => undefined }, { anonymous: true }),
      ).toBeUndefined();
      await sockets
        .sessionOfUpgrade({ handshake, close: () => undefined }, { anonymous: false })
        .catch(() => undefined);
    }
    expect(socket.listenerCount('close')).toBe(0);
  });

  it('lets go of the session of a socket that has closed', async () => {
    const { clock, repository, session, closes, release } = await connected();
    const timers = clock.pending;
    release();
    expect(clock.pending).toBe(timers - 1);
    await repository.end(session.id, 'logout');
    expect(closes).toEqual([]);
  });

  it('lets go of the session of a socket that has closed while it was looked for', async () => {
    const { clock, sockets } = await connected();
    const timers = clock.pending;
    const socket = Object.assign(new EventEmitter(), { destroyed: true });
    const handshake = { socket, headers: {} } as unknown as IncomingMessage;
    await sockets.sessionOfUpgrade({ handshake, close: () => undefined }, { anonymous: false });
    expect(clock.pending).toBe(timers);
    expect(socket.listenerCount('close')).toBe(0);
  });

  it('refuses a handshake by a defect with 500, and says nothing of it', async () => {
    const refusal = await refusalFor(new TypeError('a defect'));
    expect(refusal).toMatchObject({ status: 500, body: '' });
  });

  it.each([
    ['401 for nobody', new LoginRequiredError('Nobody is logged in.'), 401, undefined],
    [
      '503 while the store is away, and when to come back',
      new StoreUnavailableError(new Error('ECONNRESET')),
      503,
      '1',
    ],
  ])('refuses a handshake with %s', async (_what, reason, status, retryAfter) => {
    const refusal = await refusalFor(reason);
    expect(refusal?.status).toBe(status);
    expect(refusal?.headers['Retry-After']).toBe(retryAfter);
  });

  it('refuses a socket that it does not know [NST-02]', async () => {
    const { sockets } = await connected();
    sockets.join({}, {} as IncomingMessage);
    await expect(sockets.sessionOf({})).rejects.toThrow(UnsupportedContextError);
  });
});
