import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A code block of a page. */
export interface Snippet {
  /** `docs/faq.md:12`: where its first line of code is. */
  readonly place: string;
  /** The file that it is to be, where it begins with its name: `// app.module.ts`. */
  readonly file: string | undefined;
  readonly text: string;
}

const FENCE = /^(?<fence>`{3,}|~{3,})ts(?: (?<flags>[^\n]*))?\n(?<text>.*?)^\k<fence>$/gmsu;

/** Every page of the documentation but the README, relative to the root. */
export function pages(): string[] {
  const names = readdirSync(posix.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return names
    .map((name) => `docs/${name}`)
    .filter((name) => name.endsWith('.md') && !name.includes('/.vitepress/'))
    .toSorted();
}

export function read(page: string): string {
  return readFileSync(posix.join(ROOT, page), 'utf8');
}

/**
 * The blocks of a page in TypeScript, but for those marked `no-compile`, e.g. for a browser, and for those that begin with
 * `// before`: another library's code.
 */
export function snippetsOf(page: string, markdown = read(page)): Snippet[] {
  return Array.from(markdown.matchAll(FENCE), ({ index, groups }) => {
    const { flags = '', text = '' } = groups ?? {};
    const line = markdown.slice(0, index).split('\n').length + 1;
    const file = /^\/\/ (?<name>[\w.-]+\.ts)\n/u.exec(text)?.groups?.['name'];
    return {
      place: `${page}:${line}`,
      file,
      text,
      skipped: flags.includes('no-compile') || text.startsWith('// before'),
    };
  }).filter(({ skipped }) => !skipped);
}

/** The library under its own names, as in `tsconfig.json`. */
const PATHS = (JSON.parse(read('tsconfig.json')) as { compilerOptions: { paths: Readonly<Record<string, string[]>> } })
  .compilerOptions.paths;

/** Where a page need not say that a name comes from. */
const WELL_KNOWN = [
  ...Object.keys(PATHS),
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/config',
  '@nestjs/throttler',
  '@jest/globals',
  'redis',
  'cache-manager',
];

const WELL_KNOWN_FILE = posix.join(ROOT, 'docs/.snippets/well-known.ts');
const WELL_KNOWN_IMPORTS = WELL_KNOWN.map((name, index) => `import * as module${index} from '${name}';`).join('\n');

/** Of the reader's project: what a page refers to and does not show. */
const READERS_OWN: Readonly<Record<string, string>> = {
  AppModule: 'declare class AppModule {}',
  app: "declare const app: import('@nestjs/common').INestApplication;",
  rolesOf: "declare const rolesOf: (claims: import('nest-oidc').Claims) => string[];",
  MyStore:
    "declare const MyStore: new (...needs: unknown[]) => import('nest-oidc').SessionStore;\n" +
    "type MyStore = import('nest-oidc').SessionStore;",
  MyStoreModule: 'declare class MyStoreModule {}',
  client: "declare const client: import('redis').RedisClientType;",
};

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  types: ['node'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  skipLibCheck: true,
  noEmit: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  paths: Object.fromEntries(
    Object.entries(PATHS).map(([name, paths]) => [name, paths.map((path) => posix.join(ROOT, path))]),
  ),
};

/**
 * What the compiler says of the snippets, a line each. Each is a module of its own; blocks that name their file
 * (`// app.module.ts`) can import one another, page by page. A page may leave out imports of well-known names.
 */
export function problemsOf(snippets: readonly Snippet[]): string[] {
  const files = new Map(snippets.map((snippet) => [pathOf(snippet), snippet]));
  const texts = new Map(Array.from(files, ([path, { text }]) => [path, text]));
  for (const path of files.keys()) {
    const appModule = posix.join(posix.dirname(path), 'app.module.ts');
    if (!texts.has(appModule)) texts.set(appModule, 'export class AppModule {}');
  }
  const first = compile(new Map([...texts, [WELL_KNOWN_FILE, WELL_KNOWN_IMPORTS]]));
  const exportsOf = wellKnownNames(first.program);
  const missing = missingNames(first);
  for (const [path, names] of missing) {
    const text = texts.get(path);
    if (text === undefined) continue;
    texts.set(path, text + preamble(names, new Map([...exportsOf, ...exportsBeside(path, files)])));
  }
  const unchanged = first.diagnostics.filter(({ file }) => !missing.has(file?.fileName ?? ''));
  const second = compile(texts, first.program, [...missing.keys()]);
  return problems(unchanged.concat(second.diagnostics), files);
}

/** A folder for each page: below the root, so that packages are found. */
function folderOf(page: string): string {
  return posix.join(ROOT, 'docs/.snippets', page.replaceAll('/', '-'));
}

function pathOf({ place, file }: Snippet): string {
  const [page = '', line = ''] = place.split(':');
  const path = posix.join(folderOf(page), file ?? `line-${line}.ts`);
  return page.includes('commonjs') ? path.replace(/\.ts$/u, '.cts') : path;
}

interface Compilation {
  readonly program: ts.Program;
  readonly diagnostics: readonly ts.Diagnostic[];
}

/** `asked`: the paths whose diagnostics are wanted. */
function compile(
  texts: ReadonlyMap<string, string>,
  before?: ts.Program,
  asked: readonly string[] = [...texts.keys()],
): Compilation {
  const host = ts.createCompilerHost(OPTIONS, true);
  const { directoryExists, fileExists, getSourceFile, readFile } = host;
  host.directoryExists = (path) => path.includes('/docs/.snippets') || directoryExists?.call(host, path) === true;
  host.fileExists = (path) => texts.has(path) || fileExists.call(host, path);
  host.readFile = (path) => texts.get(path) ?? readFile.call(host, path);
  host.getSourceFile = (path, version) => {
    const text = texts.get(path);
    if (text !== undefined) return ts.createSourceFile(path, `${text}\nexport {};\n`, version, true);
    return before?.getSourceFile(path) ?? getSourceFile.call(host, path, version);
  };
  const program = ts.createProgram([...texts.keys()], OPTIONS, host, before);
  const files = asked.map((path) => program.getSourceFile(path));
  const diagnostics = files.flatMap((file) =>
    program.getSyntacticDiagnostics(file).concat(program.getSemanticDiagnostics(file) as ts.DiagnosticWithLocation[]),
  );
  return { program, diagnostics };
}

const CANNOT_FIND_NAME: ReadonlySet<number> = new Set([2304, 2503, 2552, 2582, 2593, 18004]);

function missingNames({ diagnostics }: Compilation): Map<string, Set<string>> {
  const missing = new Map<string, Set<string>>();
  for (const { code, file, start = 0, length = 0 } of diagnostics) {
    if (!file || !CANNOT_FIND_NAME.has(code)) continue;
    const names = missing.get(file.fileName) ?? new Set();
    missing.set(file.fileName, names.add(file.text.slice(start, start + length)));
  }
  return missing;
}

/** After the snippet, so that its lines keep their numbers: imports count wherever they are. */
function preamble(names: ReadonlySet<string>, exportsOf: ReadonlyMap<string, string>): string {
  const lines = Array.from(names, (name) => {
    const source = exportsOf.get(name);
    return source === undefined ? (READERS_OWN[name] ?? '') : `import { ${name} } from '${source}';`;
  });
  return `\n${lines.join('\n')}\n`;
}

/** What the other blocks of a page export: the reader has just read them. */
function exportsBeside(path: string, files: ReadonlyMap<string, Snippet>): Map<string, string> {
  const others = [...files].filter(([other]) => other !== path && posix.dirname(other) === posix.dirname(path));
  const names = new Map<string, string>();
  for (const [other, { text }] of others) {
    const source = `./${posix.basename(other).replace(/ts$/u, 'js')}`;
    for (const { groups } of text.matchAll(/^export (?:async )?(?:const|function|class) (?<name>\w+)/gmu)) {
      names.set(groups?.['name'] ?? '', source);
    }
  }
  return names;
}

function wellKnownNames(program: ts.Program): Map<string, string> {
  const checker = program.getTypeChecker();
  const names = new Map<string, string>();
  for (const statement of program.getSourceFile(WELL_KNOWN_FILE)?.statements.filter(ts.isImportDeclaration) ?? []) {
    const module = checker.getSymbolAtLocation(statement.moduleSpecifier);
    for (const { name } of module ? checker.getExportsOfModule(module) : []) {
      if (!names.has(name)) names.set(name, (statement.moduleSpecifier as ts.StringLiteral).text);
    }
  }
  return names;
}

function problems(diagnostics: readonly ts.Diagnostic[], files: ReadonlyMap<string, Snippet>): string[] {
  return diagnostics.flatMap(({ file, start = 0, messageText }) => {
    const snippet = file && files.get(file.fileName);
    if (!file || !snippet) return [];
    const [page = '', line = '0'] = snippet.place.split(':');
    const at = Number(line) + file.getLineAndCharacterOfPosition(start).line;
    return [`${page}:${at} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`];
  });
}
