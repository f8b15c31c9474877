import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { EventLog, sanitize, type OidcEvent } from '../../lib/common/events.js';
import { OidcCounters } from '../../lib/common/oidc-counters.js';

describe('sanitize', () => {
  it.each([
    ['a line break', 'a\nb', 'a b'],
    ['a carriage return', 'a\r\nb', 'a  b'],
    ['an ANSI escape', 'a\u001b[31mb', 'a [31mb'],
    ['a C1 control character', 'a\u009b31mb', 'a 31mb'],
    ['a next-line character', 'a\u0085b', 'a b'],
    ['a line separator', 'a\u2028b', 'a b'],
    ['a paragraph separator', 'a\u2029b', 'a b'],
    ['a null and a delete', 'a\u0000b\u007fc', 'a b c'],
    ['a tab', 'a\tb', 'a b'],
  ])('neutralises %s [LOG-03]', (_what, text, expected) => {
    expect(sanitize(text)).toBe(expected);
  });

  it('leaves the letters of the world as they are', () => {
    expect(sanitize('Žofie 日本 🦊')).toBe('Žofie 日本 🦊');
  });

  it('cuts a value to 512 characters', () => {
    expect(sanitize('x'.repeat(513))).toBe('x'.repeat(512));
    expect(sanitize('x'.repeat(512))).toHaveLength(512);
  });

  it('answers one line without control characters, whatever it is given [LOG-03]', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1000 }), (text) => {
        const line = sanitize(text);
        expect(line.length).toBeLessThanOrEqual(512);
        expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('EventLog', () => {
  const lines: string[] = [];
  const levels = ['debug', 'log', 'warn', 'error'] as const;

  beforeEach(() => {
    for (const level of levels) {
      jest.spyOn(Logger.prototype, level).mockImplementation((line: string) => void lines.push(`${level}: ${line}`));
    }
  });

  afterEach(() => {
    jest.restoreAllMocks();
    lines.length = 0;
  });

  it('logs one line per event: name, then key=value', () => {
    new EventLog(undefined).emit({ name: 'refresh.transient', session: 'abc', reason: 'timeout' });
    expect(lines).toEqual(['warn: refresh.transient session=abc reason=timeout']);
  });

  it('logs an event without details as its name', () => {
    new EventLog(undefined).emit({ name: 'login.started' });
    expect(lines).toEqual(['debug: login.started']);
  });

  it('does not let a value begin a line of its own [LOG-03]', () => {
    new EventLog(undefined).emit({ name: 'login.succeeded', session: 'abc', sub: 'eve\nerror: forged\u2028more' });
    expect(lines).toEqual(['debug: login.succeeded session=abc sub=eve error: forged more']);
  });

  it.each([
    ['debug', { name: 'refresh.succeeded', session: 's', durationMs: 1 }],
    ['log', { name: 'provider.available' }],
    ['warn', { name: 'session.duplicate_cookie' }],
    ['error', { name: 'refresh.misconfigured', session: 's', reason: 'invalid_client' }],
  ] satisfies [string, OidcEvent][])('logs at level %s: %o', (level, event) => {
    new EventLog(undefined).emit(event);
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^${level}: ${event.name.replace('.', '\\.')}`, 'u'))]);
  });

  it('hands every event to the listener as it is', () => {
    const listener = jest.fn();
    const event: OidcEvent = { name: 'session.ended', session: 'abc', cause: 'logout' };
    new EventLog(listener).emit(event);
    expect(listener.mock.calls).toEqual([[event]]);
  });

  it('goes on when the listener throws, and logs that without its message', () => {
    const log = new EventLog(() => {
      throw new RangeError('with a secret');
    });
    log.emit({ name: 'login.started' });
    expect(lines).toEqual(['debug: login.started', 'error: onEvent threw RangeError at login.started']);
  });

  it('goes on when the listener throws something that is no error', () => {
    const log = new EventLog(() => {
      // oxlint-disable-next-line no-throw-literal
      throw 'text';
    });
    log.emit({ name: 'login.started' });
    expect(lines).toContain('error: onEvent threw string at login.started');
  });

  it('goes on when the listener is asynchronous and rejects', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const log = new EventLog(async () => {
      throw new RangeError('with a secret');
    });
    log.emit({ name: 'login.started' });
    await setImmediate();
    await setImmediate();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(lines).toEqual(['debug: login.started', 'error: onEvent threw RangeError at login.started']);
  });

  describe('emitChange', () => {
    const down: OidcEvent = { name: 'store.unavailable', reason: 'Error' };
    const up: OidcEvent = { name: 'store.available' };

    it('emits once per change', () => {
      const listener = jest.fn();
      const log = new EventLog(listener);
      for (const event of [down, down, up, up, down]) log.emitChange('store', event);
      expect(listener.mock.calls).toEqual([[down], [up], [down]]);
    });

    it('does not emit what was the state from the start', () => {
      const listener = jest.fn();
      new EventLog(listener).emitChange('store', up, up.name);
      expect(listener).not.toHaveBeenCalled();
    });

    it('keeps the states of different subjects apart', () => {
      const listener = jest.fn();
      const log = new EventLog(listener);
      log.emitChange('one', down);
      log.emitChange('other', down);
      expect(listener).toHaveBeenCalledTimes(2);
    });

    it('emits again what it was told to forget', () => {
      const listener = jest.fn();
      const log = new EventLog(listener);
      log.emitChange('store', down);
      log.forget('store');
      log.emitChange('store', down);
      expect(listener).toHaveBeenCalledTimes(2);
    });
  });
});

describe('OidcCounters', () => {
  it('count every event of the process, logged or not', () => {
    const counters = new OidcCounters();
    const log = new EventLog(undefined, counters);
    log.emit({ name: 'refresh.shared', session: 's' });
    log.emit({ name: 'refresh.shared', session: 's' });
    log.emit({ name: 'login.started' });
    expect(counters.read()).toEqual({ 'refresh.shared': 2, 'login.started': 1 });
  });
});
