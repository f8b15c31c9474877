import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { nestAdd, type Tree } from '../../lib/schematics/nest-add.js';
import { TypeScriptSource } from '../../lib/schematics/typescript-source.js';

describe('the schematic of nest add', () => {
  const treeOf = (files: Record<string, string>): Tree & { readonly files: Record<string, string> } => ({
    files,
    exists: (path) => path in files,
    readText: (path) => files[path] ?? '',
    create: (path, content) => void (files[path] = content),
    overwrite: (path, content) => void (files[path] = content),
  });

  it('leaves alone what it does not understand, and says what to do by hand', () => {
    const files = {
      'src/app.module.ts': `export const AppModule = {};\n`,
      'src/main.ts': `import './elsewhere.js';\n`,
      '.env.example': `MINE=1\nOIDC_ISSUER=\n`,
    };
    const before = { ...files };
    const warnings: string[] = [];
    const logger = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
    expect(nestAdd({})(treeOf(files), { logger })).toMatchObject({ files: before });
    expect(warnings).toEqual([
      expect.stringMatching(/^src\/app\.module\.ts .+ OidcModule\.forEnv\(\)/u),
      expect.stringMatching(/^src\/app\.controller\.ts .+ @Public\(\)/u),
      expect.stringMatching(/^src\/main\.ts .+enableShutdownHooks\(\)/u),
    ]);
  });

  it('adds its variables to those of an .env.example, and says that every route needs a login now', () => {
    const files: Record<string, string> = { '.env.example': `MINE=1\n` };
    const said: string[] = [];
    nestAdd({})(treeOf(files), { logger: { info: (message) => void said.push(message), warn: () => undefined } });
    expect(files['.env.example']).toMatch(/^MINE=1\n\n# .+\nOIDC_ISSUER=.+\nOIDC_CLIENT_ID=/su);
    expect(said).toEqual([expect.stringMatching(/^Every route .+@Public\(\)/u), expect.stringMatching(/^Copy /u)]);
  });

  it('leaves .env to @nestjs/config where that is installed, and finds the sources in their folder', () => {
    const files: Record<string, string> = {
      'package.json': `{ "dependencies": { "@nestjs/config": "^12.0.0" } }`,
      'apps/shop/main.ts': `const shop = await NestFactory.create<App>(AppModule);\nawait shop.listen(3000);\n`,
    };
    const logger = { info: () => undefined, warn: () => undefined };
    nestAdd({ sourceRoot: 'apps/shop' })(treeOf(files), { logger });
    expect(files['apps/shop/main.ts']).toMatch(
      /^const shop = .+;\nshop\.enableShutdownHooks\(\);.*\nawait shop\.listen\(3000\);\n$/u,
    );
  });

  it.each([
    ['@Module({})\nclass A {}', '@Module({\n  imports: [OidcModule.forEnv()],})\nclass A {}'],
    ['@Module({ imports: [] })\nclass A {}', '@Module({ imports: [OidcModule.forEnv()] })\nclass A {}'],
    ['@Module({ imports: [B, C()] })\nclass A {}', '@Module({ imports: [B, C(), OidcModule.forEnv()] })\nclass A {}'],
  ])('adds the module to the imports of %j', (before, after) => {
    const source = new TypeScriptSource(ts, 'a.ts', before);
    expect(source.addModuleImport('OidcModule.forEnv()')).toBe(true);
    expect(source.text).toBe(after);
  });

  it.each(['@Module(options)\nclass A {}', '@Module({ imports: list })\nclass A {}', 'Module({});'])(
    'adds no module to the imports of %j',
    (before) => {
      const source = new TypeScriptSource(ts, 'a.ts', before);
      expect(source.addModuleImport('OidcModule.forEnv()')).toBe(false);
      expect(source.text).toBe(before);
    },
  );
});
