import { describe, expect, it } from '@jest/globals';
import { LoginRequiredError } from '../../lib/common/errors.js';
import type { RefreshAnswer } from '../../lib/provider/refresh-answer.js';
import { sessionIdOf } from '../../lib/session/session-token.js';
import { RefreshUnavailableError } from '../../lib/token/token-errors.js';
import { CLAIMS, requestWith, tokenSet } from '../session/given.js';
import { inTime, loggedIn } from './world.js';

const SECOND = 1000;
const TOO_LATE: RefreshAnswer = { outcome: 'not_sent' };
const TIMEOUT: RefreshAnswer = { outcome: 'transient', reason: 'timeout', retryAfterMs: undefined };

describe('a process that stood still between lock and token request', () => {
  it('takes the lock anew and asks at once', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(TOO_LATE);
    expect(await world.accessToken()).toBe('AT-2');
  });

  it('gives up after a few times, and the lock with it', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(TOO_LATE, TOO_LATE, TOO_LATE);
    await expect(world.accessToken()).rejects.toMatchObject({ code: 'refresh_transient', detail: 'too_late' });
    expect(await inTime(world.clock, world.another().accessToken())).toBe('AT-2');
  });
});

describe('while the provider has not been reached for a while', () => {
  it('sessions that have not asked yet do not ask either, until a probe succeeds', async () => {
    const world = await loggedIn();
    const other = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    const third = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    await world.becomeExpired();
    for (let failure = 0; failure < 5; failure += 1) {
      world.provider.script.push(TIMEOUT);
      await expect(world.accessToken()).rejects.toThrow(RefreshUnavailableError);
      if (failure < 4) await world.clock.advance(35 * SECOND);
    }
    const asked = world.provider.presented.length;
    const refused = world.tokens.getAccessToken(requestWith(other.token));
    await expect(refused).rejects.toMatchObject({ detail: 'provider_unreachable' });
    expect(world.provider.presented).toHaveLength(asked);
    await world.clock.advance(2 * SECOND);
    expect(await world.tokens.getAccessToken(requestWith(other.token))).toBe('AT-2');
    expect(await world.tokens.getAccessToken(requestWith(third.token))).toBe('AT-3');
  });
});

describe('a probe that fails before it was sent', () => {
  it('does not keep the others from asking', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    for (let failure = 0; failure < 5; failure += 1) {
      world.provider.script.push(TIMEOUT);
      await expect(world.accessToken()).rejects.toThrow(RefreshUnavailableError);
      await world.clock.advance(35 * SECOND);
    }
    world.provider.script.push(() => Promise.reject(new Error('out of memory')));
    await expect(world.accessToken()).rejects.toThrow(RefreshUnavailableError);
    await world.clock.advance(35 * SECOND);
    expect(await world.accessToken()).toBe('AT-2');
  });
});

describe('a session whose tokens are damaged', () => {
  it('ends when they are needed, and asks for a new login', async () => {
    const world = await loggedIn();
    const id = sessionIdOf(world.loaded.token);
    const stored = await world.store.inner.get(id);
    if (!stored) throw new Error('There is no session.');
    const data = Buffer.from(stored.data);
    // In the middle of the sealed tokens: their seal, which the head is tied to, stays as it was.
    data.writeUInt8(data.readUInt8(data.length - 40) ^ 1, data.length - 40);
    await world.store.inner.replace(id, { ...stored, data }, stored.generation, 'nobody');
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    await world.becomeExpired();
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    expect(await world.store.inner.get(id)).toBeUndefined();
    expect(world.provider.presented).toEqual([]);
  });
});

describe('what becomes known of a refresh', () => {
  it('that a token serves on although it is due, when it cannot be refreshed', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    world.provider.script.push(TIMEOUT);
    expect(await world.accessToken()).toBe('AT-1');
    await world.clock.advance(40);
    expect(world.eventsNamed('refresh.stale_but_valid')).toHaveLength(1);
    const waiting = await loggedIn({ refresh: { background: false } });
    await waiting.becomeDue();
    waiting.provider.script.push(TIMEOUT);
    expect(await waiting.accessToken()).toBe('AT-1');
    expect(waiting.eventsNamed('refresh.stale_but_valid')).toHaveLength(1);
  });

  it('that reuse is suspected, when the provider refuses what an attempt without an answer may have spent', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(TIMEOUT, { outcome: 'refused' });
    await expect(world.accessToken()).rejects.toThrow(RefreshUnavailableError);
    await world.clock.advance(2 * SECOND);
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    expect(world.eventsNamed('refresh.reuse_suspected')).toMatchObject([{ after: 'timeout' }]);
  });

  it('that nothing is suspected of a refusal out of the blue', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push({ outcome: 'refused' });
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    expect(world.eventsNamed('refresh.reuse_suspected')).toEqual([]);
  });
});
