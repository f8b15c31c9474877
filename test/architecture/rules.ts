import { posix } from 'node:path';
import ts from 'typescript';
import { lineOf, walk, type Module } from './modules.js';

/** Looks at all modules and answers one line per violation: `file:line what is wrong`. */
export type Rule = (modules: readonly Module[]) => string[];

/** The floors from the ground up. Folders on one floor do not know each other. `.` is the root: the module and the API. */
const FLOORS: readonly (readonly string[])[] = [
  ['common'],
  ['store'],
  ['options'],
  ['provider'],
  ['session'],
  ['token'],
  ['login', 'logout'],
  ['http'],
  ['authorization', 'operations', 'websockets'],
  ['.'],
];

/** Stands beside the house: what it may import, and nobody imports it. */
const ANNEXES: Readonly<Record<string, readonly string[]>> = {
  swagger: ['http', 'options'],
  cli: ['provider', 'options', 'common'],
  schematics: [],
  testing: ['.', 'login', 'session', 'provider', 'options', 'store', 'common'],
};

/** Packages that are used in one place only. */
const PLACES: Readonly<Record<string, (path: string) => boolean>> = {
  'openid-client': (path) => folderOf(path) === 'provider',
  // The provider of applications' tests signs, too.
  jose: (path) => folderOf(path) === 'provider' || path.startsWith('testing/provider/'),
  redis: (path) => /^(?:store\/redis-[a-z-]+|cli\/redis-checks)\.ts$/u.test(path),
  '@nestjs/swagger': (path) => folderOf(path) === 'swagger',
  'cache-manager': (path) => /^store\/(?:cache-manager-[a-z-]+|checked-keyv)\.ts$/u.test(path),
  '@nestjs/websockets': (path) => folderOf(path) === 'websockets',
  '@nestjs/platform-socket.io': (path) => path === 'websockets/oidc-io.adapter.ts',
  '@nestjs/platform-ws': (path) => path === 'websockets/oidc-ws.adapter.ts',
  '@nestjs/terminus': (path) => path === 'operations/terminus.ts',
  '@opentelemetry/api': (path) => path === 'operations/opentelemetry.ts',
  keyv: (path) => /^store\/(?:cache-manager-[a-z-]+|checked-keyv)\.ts$/u.test(path),
};

const PLATFORM_PACKAGES = /^(?:express|fastify|@types\/express|@fastify\/.+|@nestjs\/platform-(?!socket\.io$|ws$).+)$/u;
const OPTIONAL_PEERS: ReadonlySet<string> = new Set([
  '@nestjs/swagger',
  '@nestjs/websockets',
  '@nestjs/platform-socket.io',
  '@nestjs/platform-ws',
  'redis',
  'cache-manager',
  'keyv',
  '@nestjs/terminus',
  '@opentelemetry/api',
]);

/** The system's, and the one that tests move. */
const CLOCKS: readonly string[] = ['common/clock.ts', 'testing/test-clock.ts'];
const TIMERS: ReadonlySet<string> = new Set(['setTimeout', 'setInterval', 'setImmediate', 'hrtime']);

export const importsGoDownwards: Rule = (modules) =>
  onImports(modules, (from, { target }) => {
    if (target === undefined) return undefined;
    const [folder, other] = [folderOf(from), folderOf(target)];
    if (folder === other) return undefined;
    return mayImport(folder, other) ? undefined : `imports ${target}, which does not lie below it`;
  }).concat(
    modules
      .filter(({ path }) => floorOf(folderOf(path)) === -1 && !(folderOf(path) in ANNEXES))
      .map(({ path }) => `${path}:1 lies on no floor`),
  );

export const importsFormNoCycle: Rule = (modules) => {
  const graph = graphOf(modules);
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) cycles.push(`${path}:1 is in a cycle: ${[...trail.slice(start), path].join(' → ')}`);
    if (start !== -1 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
};

export const packagesStayInTheirPlace: Rule = (modules) =>
  onImports(modules, (from, { specifier }) => {
    const name = packageOf(specifier);
    if (PLATFORM_PACKAGES.test(name)) return `imports ${name}: the library knows no platform`;
    return PLACES[name]?.(from) === false ? `imports ${name}, which has its own place` : undefined;
  });

/** An application that has not installed an optional peer must be able to import, and type-check, the core. */
export const coreWorksWithoutOptionalPeers: Rule = (modules) => {
  const graph = graphOf(modules);
  const reached = new Set<string>(graph.has('index.ts') ? ['index.ts'] : []);
  for (const path of reached) for (const next of graph.get(path) ?? []) reached.add(next);
  return onImports(
    modules.filter(({ path }) => reached.has(path)),
    (_from, { specifier }) =>
      OPTIONAL_PEERS.has(packageOf(specifier))
        ? `imports ${packageOf(specifier)} and is part of what index.ts imports`
        : undefined,
  );
};

export const timeComesFromTheClock: Rule = (modules) =>
  onNodes(modules, CLOCKS, (node) => {
    if (ts.isIdentifier(node) && TIMERS.has(node.text)) return `uses ${node.text} instead of the clock`;
    if (accesses(node, 'Date', 'now')) return 'uses Date.now instead of the clock';
    if (accesses(node, 'performance', 'now')) return 'uses performance.now instead of the clock';
    if (accesses(node, 'AbortSignal', 'timeout')) return 'uses AbortSignal.timeout instead of the clock';
    const isDate = (ts.isNewExpression(node) || ts.isCallExpression(node)) && isNamed(node.expression, 'Date');
    if (isDate && (ts.isCallExpression(node) || !node.arguments?.length))
      return 'asks Date for the time, not the clock';
    return undefined;
  });

export const environmentIsReadInOnePlace: Rule = (modules) =>
  onNodes(modules, ['options/environment.ts'], (node) => {
    const imported =
      ts.isImportDeclaration(node) && /^["'](?:node:)?process["']$/u.test(node.moduleSpecifier.getText());
    return imported || accesses(node, 'process', 'env') ? 'reads the process environment' : undefined;
  });

export const thereIsNoBarrel: Rule = (modules) =>
  onNodes(modules, [], (node) =>
    ts.isExportDeclaration(node) && (!node.exportClause || ts.isNamespaceExport(node.exportClause))
      ? 'exports everything of another module (export *)'
      : undefined,
  ).concat(
    modules
      .filter(({ path }) => posix.basename(path) === 'index.ts' && path !== 'index.ts')
      .map(({ path }) => `${path}:1 is a barrel`),
  );

export const typesAreNamed: Rule = (modules) =>
  onNodes(modules, ['http/platform.ts'], (node) => (node.kind === ts.SyntaxKind.AnyKeyword ? 'uses any' : undefined));

export const importsNameTheirFile: Rule = (modules) =>
  onImports(modules, (_from, { specifier }) =>
    specifier.startsWith('.') && !specifier.endsWith('.js') ? `imports ${specifier} without .js` : undefined,
  );

function mayImport(folder: string, other: string): boolean {
  if (other in ANNEXES) return false;
  const allowed = ANNEXES[folder];
  return allowed ? allowed.includes(other) : floorOf(other) !== -1 && floorOf(other) < floorOf(folder);
}

function floorOf(folder: string): number {
  return FLOORS.findIndex((folders) => folders.includes(folder));
}

function folderOf(path: string): string {
  return path.includes('/') ? (path.split('/', 1)[0] ?? '.') : '.';
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function graphOf(modules: readonly Module[]): Map<string, string[]> {
  return new Map(modules.map(({ path, imports }) => [path, imports.flatMap(({ target }) => target ?? [])]));
}

/** `object.property`, `object['property']`, or `const { property } = object`. */
function accesses(node: ts.Node, object: string, property: string): boolean {
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    const names = node.name.elements.map((element) => (element.propertyName ?? element.name).getText());
    return node.initializer !== undefined && isNamed(node.initializer, object) && names.includes(property);
  }
  if (ts.isPropertyAccessExpression(node)) return isNamed(node.expression, object) && node.name.text === property;
  if (!ts.isElementAccessExpression(node) || !isNamed(node.expression, object)) return false;
  return ts.isStringLiteralLike(node.argumentExpression) && node.argumentExpression.text === property;
}

/** `name`, or `anything.name`, as in `globalThis.Date`. */
function isNamed(node: ts.Node, name: string): boolean {
  return (
    (ts.isIdentifier(node) && node.text === name) || (ts.isPropertyAccessExpression(node) && node.name.text === name)
  );
}

function onImports(
  modules: readonly Module[],
  problemOf: (from: string, statement: Module['imports'][number]) => string | undefined,
): string[] {
  return modules.flatMap(({ path, imports }) =>
    imports.flatMap((statement) => {
      const problem = problemOf(path, statement);
      return problem === undefined ? [] : [`${path}:${statement.line} ${problem}`];
    }),
  );
}

function onNodes(
  modules: readonly Module[],
  exempt: readonly string[],
  problemOf: (node: ts.Node) => string | undefined,
): string[] {
  const violations: string[] = [];
  for (const { path, source } of modules) {
    if (exempt.includes(path)) continue;
    walk(source, (node) => {
      const problem = problemOf(node);
      if (problem !== undefined) violations.push(`${path}:${lineOf(source, node)} ${problem}`);
    });
  }
  return violations;
}
