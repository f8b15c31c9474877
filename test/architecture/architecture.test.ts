import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseModule, readModules } from './modules.js';
import {
  coreWorksWithoutOptionalPeers,
  environmentIsReadInOnePlace,
  importsFormNoCycle,
  importsGoDownwards,
  importsNameTheirFile,
  packagesStayInTheirPlace,
  thereIsNoBarrel,
  timeComesFromTheClock,
  typesAreNamed,
  type Rule,
} from './rules.js';

const LIB = fileURLToPath(new URL('../../lib', import.meta.url));

/** The violations of a rule in a house made of these files. */
const violations = (rule: Rule, files: Readonly<Record<string, string>>): string[] =>
  rule(Object.entries(files).map(([path, text]) => parseModule(path, text)));

describe('lib', () => {
  const modules = readModules(LIB);

  const rules: readonly (readonly [string, Rule])[] = [
    ['imports downwards only, floor by floor', importsGoDownwards],
    ['has no import cycle', importsFormNoCycle],
    [
      'keeps openid-client and jose in provider/, stores’ clients in their files, and knows no platform',
      packagesStayInTheirPlace,
    ],
    ['does not reach an optional peer from its main entry point', coreWorksWithoutOptionalPeers],
    ['asks the clock for the time and for timers', timeComesFromTheClock],
    ['reads the process environment in options/environment.ts only', environmentIsReadInOnePlace],
    ['has no barrel', thereIsNoBarrel],
    ['has no `any` outside http/platform.ts', typesAreNamed],
    ['names files with their extension in imports', importsNameTheirFile],
  ];

  it.each(rules)('%s', (_title, rule) => {
    expect(rule(modules)).toEqual([]);
  });

  it('has its API in index.ts, and every import of its own leads to a file', () => {
    const paths = new Set(modules.map(({ path }) => path));
    expect(paths).toContain('index.ts');
    const lost = modules.flatMap(({ imports }) => imports.flatMap(({ target }) => target ?? []));
    expect(lost.filter((target) => !paths.has(target))).toEqual([]);
  });
});

describe('reading the modules', () => {
  it('fails when there is no file to look at', () => {
    const empty = mkdtempSync(join(tmpdir(), 'nest-oidc-empty-'));
    expect(() => readModules(empty)).toThrow(/No TypeScript file/u);
    rmSync(empty, { recursive: true });
  });

  it.each([
    [`import './a.js';`],
    [`import { a } from './a.js';`],
    [`import type { A } from './a.js';`],
    [`export { a } from './a.js';`],
    [`export type { A } from './a.js';`],
    [`export * from './a.js';`],
    [`const a = await import('./a.js');`],
    [`type A = import('./a.js').A;`],
    [`const a = require('./a.js');`],
    [`import a = require('./a.js');`],
  ])('sees the import in %s', (text) => {
    expect(parseModule('http/b.ts', text).imports).toEqual([{ specifier: './a.js', line: 1, target: 'http/a.ts' }]);
  });

  it('sees no import in comments and strings', () => {
    const text = `// import './a.js';\n/** {@link import('./a.js')} */\nconst text = "import './a.js'";`;
    expect(parseModule('http/b.ts', text).imports).toEqual([]);
  });
});

describe('a planted violation is reported:', () => {
  it('an import of a higher floor', () => {
    expect(violations(importsGoDownwards, { 'session/a.ts': `\nimport type { B } from '../token/b.js';` })).toEqual([
      'session/a.ts:2 imports token/b.ts, which does not lie below it',
    ]);
  });

  it.each([
    ['login/a.ts', '../logout/b.js'],
    ['logout/a.ts', '../login/b.js'],
    ['testing/a.ts', '../http/b.js'],
    ['store/a.ts', '../testing/b.js'],
    ['oidc.module.ts', './testing/b.js'],
    ['http/a.ts', '../oidc.module.js'],
  ])('an import across the house, from %s to %s', (path, specifier) => {
    expect(violations(importsGoDownwards, { [path]: `import '${specifier}';` })).toHaveLength(1);
  });

  it.each([
    ['http/a.ts', '../common/b.js'],
    ['http/a.ts', './b.js'],
    ['oidc.module.ts', './http/b.js'],
    ['testing/contract/a.ts', '../../store/b.js'],
    ['testing/a.ts', './contract/b.js'],
    ['testing/a.ts', '../session/b.js'],
  ])('but not an import downwards, from %s to %s', (path, specifier) => {
    expect(violations(importsGoDownwards, { [path]: `import '${specifier}';` })).toEqual([]);
  });

  it('a folder that has no floor', () => {
    expect(violations(importsGoDownwards, { 'utils/a.ts': '' })).toEqual(['utils/a.ts:1 lies on no floor']);
  });

  it('a cycle, also inside a folder and of types only', () => {
    const cycle = {
      'token/a.ts': `import './b.js';`,
      'token/b.ts': `export { c } from './c.js';`,
      'token/c.ts': `import type { A } from './a.js';`,
    };
    expect(violations(importsFormNoCycle, cycle)).toEqual([
      'token/a.ts:1 is in a cycle: token/a.ts → token/b.ts → token/c.ts → token/a.ts',
    ]);
    expect(violations(importsFormNoCycle, { ...cycle, 'token/c.ts': '' })).toEqual([]);
  });

  it.each([
    ['session/a.ts', 'jose'],
    ['testing/a.ts', 'jose'],
    ['testing/provider/a.ts', 'openid-client'],
    ['token/a.ts', 'openid-client/passport'],
    ['operations/terminus.ts', '@opentelemetry/api'],
    ['common/telemetry.ts', '@opentelemetry/api'],
    ['http/platform.ts', 'express'],
    ['http/platform.ts', 'fastify'],
    ['http/platform.ts', '@nestjs/platform-express'],
    ['http/platform.ts', '@nestjs/platform-fastify/adapters'],
    ['http/auth.guard.ts', '@nestjs/websockets'],
    ['http/platform.ts', '@nestjs/platform-ws'],
    ['websockets/oidc-ws.adapter.ts', '@nestjs/platform-socket.io'],
    ['websockets/oidc-ws.adapter.ts', '@nestjs/platform-express'],
    ['store/memory-session-store.ts', 'redis'],
    ['session/redis-session-store.ts', 'redis'],
    ['store/redis-session-store.ts', 'cache-manager'],
    ['store/memory-session-store.ts', 'keyv'],
    ['http/auth.controller.ts', '@nestjs/swagger'],
  ])('in %s, an import of %s', (path, specifier) => {
    expect(violations(packagesStayInTheirPlace, { [path]: `import type { X } from '${specifier}';` })).toHaveLength(1);
  });

  it.each([
    ['provider/a.ts', 'jose'],
    ['provider/a.ts', 'openid-client'],
    ['testing/provider/a.ts', 'jose'],
    ['store/redis-session-store.ts', 'redis'],
    ['cli/redis-checks.ts', 'redis'],
    ['operations/opentelemetry.ts', '@opentelemetry/api'],
    ['operations/terminus.ts', '@nestjs/terminus'],
    ['store/cache-manager-session-store.ts', 'cache-manager'],
    ['swagger/swagger.ts', '@nestjs/swagger'],
    ['websockets/oidc-io.adapter.ts', '@nestjs/platform-socket.io'],
    ['websockets/oidc-ws.adapter.ts', '@nestjs/platform-ws'],
    ['http/a.ts', '@nestjs/core'],
    ['http/a.ts', 'node:http'],
  ])('but not, in %s, an import of %s', (path, specifier) => {
    expect(violations(packagesStayInTheirPlace, { [path]: `import type { X } from '${specifier}';` })).toEqual([]);
  });

  it('an optional peer that the main entry point reaches', () => {
    const files = {
      'index.ts': `export { OidcModule } from './oidc.module.js';`,
      'oidc.module.ts': `import './store/redis-session-store.js';`,
      'store/redis-session-store.ts': `import { createClient } from 'redis';`,
    };
    expect(violations(coreWorksWithoutOptionalPeers, files)).toEqual([
      'store/redis-session-store.ts:1 imports redis and is part of what index.ts imports',
    ]);
    expect(violations(coreWorksWithoutOptionalPeers, { ...files, 'oidc.module.ts': '' })).toEqual([]);
  });

  it.each([
    ['Date.now()'],
    ['globalThis.Date.now()'],
    [`Date['now']()`],
    ['const now = Date.now;'],
    ['const { now } = Date;'],
    ['new Date()'],
    ['new Date'],
    ['Date()'],
    ['setTimeout(f, 1)'],
    ['globalThis.setInterval(f, 1)'],
    ['setImmediate(f)'],
    [`import { setTimeout } from 'node:timers/promises';`],
    ['process.hrtime.bigint()'],
    ['performance.now()'],
    ['AbortSignal.timeout(1)'],
  ])('time from elsewhere than the clock: %s', (text) => {
    expect(violations(timeComesFromTheClock, { 'token/a.ts': text }).length).toBeGreaterThan(0);
    expect(violations(timeComesFromTheClock, { 'common/clock.ts': text })).toEqual([]);
  });

  it('but not a Date made of a point in time, or a clock’s own now()', () => {
    const text = 'new Date(clock.now()); Date.UTC(2026, 0, 1); // Date.now()';
    expect(violations(timeComesFromTheClock, { 'token/a.ts': text })).toEqual([]);
  });

  it.each([
    ['process.env.HOME'],
    [`process['env']`],
    ['const { env } = globalThis.process;'],
    [`import { env } from 'node:process';`],
  ])('a look at the environment: %s', (text) => {
    expect(violations(environmentIsReadInOnePlace, { 'http/a.ts': text })).toHaveLength(1);
    expect(violations(environmentIsReadInOnePlace, { 'options/environment.ts': text })).toEqual([]);
  });

  it('a barrel', () => {
    expect(violations(thereIsNoBarrel, { 'index.ts': `export * from './a.js';` })).toHaveLength(1);
    expect(violations(thereIsNoBarrel, { 'token/a.ts': `export * as b from './b.js';` })).toHaveLength(1);
    expect(violations(thereIsNoBarrel, { 'token/index.ts': '' })).toEqual(['token/index.ts:1 is a barrel']);
    expect(violations(thereIsNoBarrel, { 'index.ts': `export { a } from './a.js';` })).toEqual([]);
  });

  it('`any`', () => {
    const text = 'const a: Record<string, any> = {};';
    expect(violations(typesAreNamed, { 'token/a.ts': text })).toEqual(['token/a.ts:1 uses any']);
    expect(violations(typesAreNamed, { 'http/platform.ts': text })).toEqual([]);
    expect(violations(typesAreNamed, { 'token/a.ts': '/** any */ const any = "any";' })).toEqual([]);
  });

  it('an import without .js', () => {
    expect(violations(importsNameTheirFile, { 'token/a.ts': `import './b';\nimport './c.ts';` })).toEqual([
      'token/a.ts:1 imports ./b without .js',
      'token/a.ts:2 imports ./c.ts without .js',
    ]);
  });
});
