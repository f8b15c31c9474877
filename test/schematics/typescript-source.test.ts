import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { nestAdd, type Tree } from '../../lib/schematics/nest-add.js';
import { TypeScriptSource } from '../../lib/schematics/typescript-source.js';

const sourceOf = (text: string): TypeScriptSource => new TypeScriptSource(ts, 'a.ts', text);

describe('an import', () => {
  const STATEMENT = `import { added } from 'added';`;

  it.each([
    ['comes first where there is none', 'const a = 1;\n', `${STATEMENT}\nconst a = 1;\n`],
    [
      'comes after the last one',
      `import a from "a";\nimport 'b';\na();\n`,
      `import a from "a";\nimport 'b';\n${STATEMENT}\na();\n`,
    ],
    ['comes before what is required', `const a = require('a');\n`, `${STATEMENT}\nconst a = require('a');\n`],
  ])('%s', (_what, before, after) => {
    const source = sourceOf(before);
    source.addImport(STATEMENT);
    expect(source.text).toBe(after);
  });
});

describe('a decorator', () => {
  it.each(['@Get()', `@Get('')`, '@Get("")', '@Header("a", "b")\n  @Get()'])('goes before the route of %s', (route) => {
    const source = sourceOf(`class A {\n  ${route}\n  root() {}\n}\n`);
    expect(source.decorateRoot('@Public()')).toBe(true);
    expect(source.text).toBe(`class A {\n  @Public()\n  ${route}\n  root() {}\n}\n`);
  });

  it('goes before the first of two such routes, and before no other', () => {
    const source = sourceOf(`class A {\n  @Get('b') b() {}\n  @Get() c() {}\n  @Get() d() {}\n}\n`);
    expect(source.decorateRoot('@Public()')).toBe(true);
    expect(source.text).toBe(`class A {\n  @Get('b') b() {}\n  @Public()\n  @Get() c() {}\n  @Get() d() {}\n}\n`);
  });

  it.each([`class A { @Get('b') b() {} }`, 'class A { @Post() b() {} }', 'class A { b() {} }', 'Get();', ''])(
    'goes nowhere when no method answers the root: %j',
    (before) => {
      const source = sourceOf(before);
      expect(source.decorateRoot('@Public()')).toBe(false);
      expect(source.text).toBe(before);
    },
  );
});

describe('a member', () => {
  it('goes to the end of the first class', () => {
    const source = sourceOf('class A {\n  b() {}\n}\nclass C {}\n');
    source.addMember('  added() {}');
    expect(source.text).toBe('class A {\n  b() {}\n\n  added() {}\n}\nclass C {}\n');
  });

  it('goes nowhere when there is no class', () => {
    const source = sourceOf('const a = 1;\n');
    source.addMember('  added() {}');
    expect(source.text).toBe('const a = 1;\n');
  });
});

describe('the lines around the creation of the application', () => {
  const surround = (source: TypeScriptSource): boolean =>
    source.surroundCreation(['before();'], (app) => [`${app}.after();`]);

  it('keep its indent and know its name', () => {
    const source = sourceOf('async function main() {\n  const shop = await NestFactory.create(A);\n}\n');
    expect(surround(source)).toBe(true);
    expect(source.text).toBe(
      'async function main() {\n  before();\n  const shop = await NestFactory.create(A);\n  shop.after();\n}\n',
    );
  });

  it.each([
    'await NestFactory.create(A);\n',
    'const start = () => 1;\n',
    'export const main = { create() { return NestFactory.create(A); } };\n',
    '',
  ])('are not there when nothing is named that is created: %j', (before) => {
    const source = sourceOf(before);
    expect(surround(source)).toBe(false);
    expect(source.text).toBe(before);
  });
});

describe('nest add, in an application as it is generated,', () => {
  const FILES = {
    'src/app.module.ts': `import { Module } from '@nestjs/common';\n\n@Module({ imports: [] })\nexport class AppModule {}\n`,
    'src/app.controller.ts': `import { Controller, Get } from '@nestjs/common';\n\n@Controller()\nexport class AppController {\n  @Get()\n  getHello() {}\n}\n`,
    'src/main.ts': `import { NestFactory } from '@nestjs/core';\n\nconst app = await NestFactory.create(AppModule);\n`,
  };

  const add = (files: Record<string, string>): readonly string[] => {
    const said: string[] = [];
    const tree: Tree = {
      exists: (path) => path in files,
      readText: (path) => files[path] ?? '',
      create: (path, content) => void (files[path] = content),
      overwrite: (path, content) => void (files[path] = content),
    };
    nestAdd({})(tree, { logger: { info: () => undefined, warn: (message) => void said.push(message) } });
    return said;
  };

  it('imports the module, opens the first page, adds one for users, and loads .env', () => {
    const files: Record<string, string> = { ...FILES };
    expect(add(files)).toEqual([]);
    expect(files['src/app.module.ts']).toContain('imports: [OidcModule.forEnv()]');
    expect(files['src/app.controller.ts']).toMatch(/@Public\(\)\n {2}@Get\(\)\n {2}getHello.+@Get\('profile'\)/su);
    expect(files['src/main.ts']).toMatch(/existsSync\('\.env'\).+\nconst app = .+;\napp\.enableShutdownHooks\(\);/u);
    expect(files['.env.example']).toContain('OIDC_CLIENT_ID=');
  });

  it('writes an .env.example that leads to a page of the package', () => {
    const files: Record<string, string> = { ...FILES };
    add(files);
    const pages = Array.from(
      files['.env.example']?.matchAll(/node_modules\/nest-oidc\/(\S+\.md)/gu) ?? [],
      ([, page]) => page,
    );
    const packed = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      files: string[];
    };
    expect(pages).toHaveLength(1);
    expect(packed.files).toEqual(expect.arrayContaining(pages));
    expect(files['.env.example']).not.toContain('docs/');
  });

  it('leaves alone what names the library already, and edits the rest', () => {
    const files: Record<string, string> = {
      ...FILES,
      'src/app.module.ts': `import { OidcModule } from "nest-oidc";\n`,
    };
    const { 'src/app.module.ts': wired } = files;
    expect(add(files)).toEqual([]);
    expect(files['src/app.module.ts']).toBe(wired);
    expect(files['src/app.controller.ts']).toContain('@Public()');
  });
});
