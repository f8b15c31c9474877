import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const HEADER = 'What applications may rely on. Written by `npm run api:update`; a change needs a line in CHANGELOG.md.';
const BELOW = 'Not exported under a name here, but part of the types above:';

const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });

/** The public types of every entry point, by the name of the file that keeps them: `redis` for `nest-oidc/redis`. */
export function publicApi(root) {
  const { exports, name: library } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.entries(exports).filter(([, target]) => target.types !== undefined);
  const { program, injected } = declarationProgram(
    root,
    entries.map(([, target]) => join(root, target.types)),
  );
  const describe = describer(program, injected);
  return new Map(
    entries.map(([path, target]) => {
      const specifier = path.replace('.', library);
      return [
        specifier.replace(`${library}/`, ''),
        describe(program.getSourceFile(join(root, target.types)), specifier),
      ];
    }),
  );
}

/**
 * The declarations of `lib/` as `npm run build` would write them now (`dist/` may be older, or not be there), and the
 * classes that Nest constructs: those with a decorator, which declarations do not have.
 */
function declarationProgram(root, entries) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const [declarations, injected] = [new Map(), new Set()];
  const library = ts.createProgram(fileNames, { ...options, emitDeclarationOnly: true, removeComments: true });
  library.emit(undefined, (path, text, _mark, _onError, [{ fileName }]) => {
    declarations.set(path, text);
    const classes = library.getSourceFile(fileName).statements.filter(ts.isClassDeclaration);
    for (const found of classes) if (ts.getDecorators(found)?.length) injected.add(`${path}:${found.name.text}`);
  });
  return { program: ts.createProgram(entries, options, hostOf(options, declarations)), injected };
}

/** Reads what is below `dist/` from `declarations`, everything else from the disk. */
function hostOf(options, declarations) {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, directoryExists } = host;
  const isBuilt = (path) => path.startsWith(`${options.declarationDir}/`);
  host.fileExists = (path) => (isBuilt(path) ? declarations.has(path) : fileExists(path));
  host.readFile = (path) => declarations.get(path) ?? readFile(path);
  host.directoryExists = (path) => isBuilt(`${path}/`) || directoryExists(path);
  return host;
}

function describer(program, injected) {
  const checker = program.getTypeChecker();
  const ours = `${program.getCompilerOptions().declarationDir}/`;
  /** Where a type was described: nothing is described twice. */
  const described = new Map();

  return (sourceFile, specifier) => {
    const exported = checker
      .getExportsOfModule(checker.getSymbolAtLocation(sourceFile))
      .map((symbol) => ({ name: symbol.name, symbol: resolved(symbol) }))
      .toSorted(byName);
    const named = exported.map(({ name, symbol }) => {
      const elsewhere = described.get(symbol);
      if (elsewhere !== undefined) return `${name}: see ${elsewhere}`;
      described.set(symbol, `${specifier}, ${name}`);
      return symbol.name === name ? textOf(symbol) : `${name}:\n${textOf(symbol)}`;
    });
    const below = reachable(exported.map(({ symbol }) => symbol))
      .filter((symbol) => !described.has(symbol))
      .toSorted(byName)
      .map((symbol) => {
        described.set(symbol, `${specifier}, ${symbol.name}`);
        return textOf(symbol);
      });
    const mark = below.length === 0 ? [] : [`// ${BELOW}`];
    return `${[`// ${specifier}`, `// ${HEADER}`, ...named, ...mark, ...below].join('\n\n')}\n`;
  };

  /** Types of ours that the given ones mention, directly or not: they cannot change unnoticed either. */
  function reachable(symbols) {
    const found = new Set(symbols);
    const visit = (node) => {
      const symbol = ts.isIdentifier(node) && checker.getSymbolAtLocation(node);
      if (symbol && ourDeclarations(resolved(symbol)).some(isTopLevel)) found.add(resolved(symbol));
      ts.forEachChild(node, visit);
    };
    for (const symbol of found) ourDeclarations(symbol).map(publicPart).forEach(visit);
    return [...found].filter((symbol) => !symbols.includes(symbol));
  }

  function textOf(symbol) {
    const declarations = ourDeclarations(symbol);
    if (declarations.length === 0) return `${symbol.name}: of another package`;
    return declarations
      .map((node) => {
        const text = printer.printNode(ts.EmitHint.Unspecified, publicPart(node), node.getSourceFile());
        return ts.isVariableDeclaration(node) ? `const ${text};` : text.replace(/^(?:export |declare |default )+/u, '');
      })
      .join('\n');
  }

  /** Of a class: without private members, which nobody can use, and without a constructor that only Nest calls. */
  function publicPart(node) {
    if (!ts.isClassDeclaration(node)) return node;
    const isInjected = injected.has(`${node.getSourceFile().fileName}:${node.name.text}`);
    const members = node.members.filter(
      (member) =>
        (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) === 0 &&
        !(member.name !== undefined && ts.isPrivateIdentifier(member.name)) &&
        !(isInjected && ts.isConstructorDeclaration(member)),
    );
    const { modifiers, name, typeParameters, heritageClauses } = node;
    return ts.factory.updateClassDeclaration(node, modifiers, name, typeParameters, heritageClauses, members);
  }

  function ourDeclarations(symbol) {
    return (symbol.declarations ?? []).filter((node) => node.getSourceFile().fileName.startsWith(ours));
  }

  function resolved(symbol) {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  }
}

function isTopLevel(node) {
  return ts.isSourceFile(ts.isVariableDeclaration(node) ? node.parent.parent.parent : node.parent);
}

function byName(left, right) {
  if (left.name === right.name) return 0;
  return left.name < right.name ? -1 : 1;
}
