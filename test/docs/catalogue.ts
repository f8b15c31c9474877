import ts from 'typescript';
import { posix } from 'node:path';
import { ROOT } from './snippets.js';

/** What the types of the library say about its errors and events. */
export interface Catalogue {
  /** Statuses by code; empty where no class has the code, `number` where the class works it out. */
  readonly errors: ReadonlyMap<string, readonly string[]>;
  readonly events: ReadonlyMap<string, EventFacts>;
}

export interface EventFacts {
  readonly level: string;
  readonly fields: readonly string[];
}

export function readCatalogue(): Catalogue {
  const config = ts.getParsedCommandLineOfConfigFile(
    posix.join(ROOT, 'tsconfig.build.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, ' '));
      },
    },
  );
  const program = ts.createProgram(config?.fileNames ?? [], { ...config?.options, noEmit: true });
  const files = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.includes('/lib/') && !fileName.includes('node_modules'));
  const checker = program.getTypeChecker();
  return { errors: errorsIn(files, checker), events: eventsIn(files, checker) };
}

function errorsIn(files: readonly ts.SourceFile[], checker: ts.TypeChecker): Map<string, string[]> {
  const errors = new Map(texts(aliasIn(files, checker, 'OidcErrorCode')).map((code): [string, string[]] => [code, []]));
  for (const declaration of files.flatMap(({ statements }) => [...statements]).filter(ts.isClassDeclaration)) {
    const isError = declaration.heritageClauses?.some(
      ({ types: [type] }) => type?.expression.getText() === 'OidcError',
    );
    if (!isError) continue;
    const type = checker.getTypeAtLocation(declaration);
    const [codes, statuses] = ['code', 'statusCode'].map((name) => members(propertyOf(type, name, checker)));
    for (const code of texts(codes ?? []))
      errors.get(code)?.push(...(statuses ?? []).map((status) => checker.typeToString(status)));
  }
  return errors;
}

function eventsIn(files: readonly ts.SourceFile[], checker: ts.TypeChecker): Map<string, EventFacts> {
  const levels = levelsIn(files);
  const events = new Map<string, EventFacts>();
  for (const member of aliasIn(files, checker, 'OidcEvent')) {
    const fields = member.getProperties().map(({ name }) => name);
    for (const name of texts(members(propertyOf(member, 'name', checker)))) {
      events.set(name, { level: levels.get(name) ?? '', fields: fields.filter((field) => field !== 'name') });
    }
  }
  return events;
}

/** The members of a union type with this name. */
function aliasIn(files: readonly ts.SourceFile[], checker: ts.TypeChecker, name: string): readonly ts.Type[] {
  const aliases = files.flatMap(({ statements }) => [...statements]).filter(ts.isTypeAliasDeclaration);
  const alias = aliases.find((candidate) => candidate.name.text === name);
  if (!alias) throw new Error(`There is no type ${name} in lib.`);
  return members(checker.getTypeAtLocation(alias));
}

function propertyOf(type: ts.Type, name: string, checker: ts.TypeChecker): ts.Type {
  const property = type.getProperty(name);
  if (!property) throw new Error(`${checker.typeToString(type)} has no ${name}.`);
  return checker.getTypeOfSymbol(property);
}

const members = (type: ts.Type): readonly ts.Type[] => (type.isUnion() ? type.types : [type]);

const texts = (types: readonly ts.Type[]): string[] =>
  types.flatMap((type) => (type.isStringLiteral() ? [type.value] : []));

/** The levels at which events are logged are no types: they are read from the list itself. */
function levelsIn(files: readonly ts.SourceFile[]): Map<string, string> {
  const levels = new Map<string, string>();
  const source = files.find(({ fileName }) => fileName.endsWith('/common/events.ts'));
  source?.forEachChild((statement) => {
    if (!ts.isVariableStatement(statement)) return;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (name.getText() !== 'levels' || !initializer || !ts.isObjectLiteralExpression(initializer)) continue;
      for (const property of initializer.properties.filter(ts.isPropertyAssignment)) {
        levels.set(textIn(property.name), textIn(property.initializer));
      }
    }
  });
  return levels;
}

const textIn = (node: ts.Node): string => (ts.isStringLiteral(node) ? node.text : node.getText());
