import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import ts from 'typescript';

/** An import of any kind: `import`, `export … from`, `import()`, `import type`, `require()`. */
export interface ImportStatement {
  readonly specifier: string;
  readonly line: number;
  /** Path of the imported file when it is one of ours, relative to the root, as it is on disk (`.ts`). */
  readonly target: string | undefined;
}

/** A source file, as far as the rules look at it. */
export interface Module {
  /** Relative to the root, with slashes: `http/auth.guard.ts`. */
  readonly path: string;
  readonly imports: readonly ImportStatement[];
  readonly source: ts.SourceFile;
}

/**
 * Reads every TypeScript file below `root`.
 *
 * @throws when there is none: rules that look at nothing hold for anything
 */
export function readModules(root: string): Module[] {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  if (paths.length === 0) throw new Error(`No TypeScript file was found in ${root}.`);
  return paths
    .toSorted()
    .map((path) => parseModule(path.split(sep).join(posix.sep), readFileSync(join(root, path), 'utf8')));
}

export function parseModule(path: string, text: string): Module {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: ImportStatement[] = [];
  walk(source, (node) => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) {
      imports.push({ specifier, line: lineOf(source, node), target: targetOf(path, specifier) });
    }
  });
  return { path, imports, source };
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (ts.isExternalModuleReference(node)) return textOf(node.expression);
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : undefined;
  if (!ts.isCallExpression(node)) return undefined;
  const { expression } = node;
  const loads =
    expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === 'require');
  return loads ? textOf(node.arguments[0]) : undefined;
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function targetOf(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/u, '.ts');
}
