import type TypeScript from 'typescript';

type Node = TypeScript.Node;

/** TypeScript itself, as the application has it: the library brings none along. */
export type Compiler = typeof TypeScript;

/** The text of a source file, with what is to be put in. All else stays as it is, to the last space. */
export class TypeScriptSource {
  private readonly file: TypeScript.SourceFile;
  private readonly insertions: { readonly at: number; readonly text: string }[] = [];

  constructor(
    private readonly ts: Compiler,
    path: string,
    private readonly original: string,
  ) {
    this.file = ts.createSourceFile(path, original, ts.ScriptTarget.Latest, true);
  }

  get text(): string {
    // From the end, so that places stay where they are. What belongs to one place stays in order.
    const ordered = this.insertions.toSorted((left, right) => right.at - left.at);
    const places = [...new Set(ordered.map(({ at }) => at))];
    return places.reduce((text, place) => {
      const added = ordered.filter(({ at }) => at === place).map((insertion) => insertion.text);
      return text.slice(0, place) + added.join('') + text.slice(place);
    }, this.original);
  }

  addImport(statement: string): void {
    const last = this.file.statements.findLast((candidate) => this.ts.isImportDeclaration(candidate));
    this.insertions.push(last ? { at: last.end, text: `\n${statement}` } : { at: 0, text: `${statement}\n` });
  }

  /** Adds to the `imports` of the first `@Module({…})`. `false` when there is none that can be read. */
  addModuleImport(expression: string): boolean {
    const { ts } = this;
    const call = this.find<TypeScript.CallExpression>((node) => this.calls(node, 'Module'));
    const metadata = call?.arguments[0];
    if (!metadata || !ts.isObjectLiteralExpression(metadata)) return false;
    const imports = metadata.properties.find((property) => property.name?.getText() === 'imports');
    if (!imports) {
      this.insertions.push({ at: metadata.getStart() + 1, text: `\n  imports: [${expression}],` });
      return true;
    }
    if (!ts.isPropertyAssignment(imports) || !ts.isArrayLiteralExpression(imports.initializer)) return false;
    const { elements } = imports.initializer;
    const last = elements.at(-1);
    this.insertions.push(
      last ? { at: last.end, text: `, ${expression}` } : { at: imports.initializer.getStart() + 1, text: expression },
    );
    return true;
  }

  /** Puts a line before the first method that answers the controller's own path. `false` when there is none. */
  decorateRoot(decorator: string): boolean {
    const method = this.find((node) => this.answersRoot(node));
    if (!method) return false;
    this.insertions.push({ at: method.getStart(), text: `${decorator}\n  ` });
    return true;
  }

  /** Adds to the end of the first class. */
  addMember(text: string): void {
    const owner = this.find((node) => this.ts.isClassDeclaration(node));
    if (owner) this.insertions.push({ at: owner.end - 1, text: `\n${text}\n` });
  }

  /**
   * Puts lines around the statement that creates the application; `after` is told its name. `false` when there is no such
   * statement.
   */
  surroundCreation(before: readonly string[], after: (app: string) => readonly string[]): boolean {
    const creation = this.find((node) => this.calleeOf(node) === 'NestFactory.create');
    const statement = creation && this.statementOf(creation);
    if (!statement || !this.ts.isVariableStatement(statement)) return false;
    const app = statement.declarationList.declarations[0]?.name.getText() ?? '';
    const indent = /[^\n]*$/u.exec(this.original.slice(0, statement.getStart()))?.[0] ?? '';
    this.insertions.push(
      { at: statement.getStart(), text: before.map((line) => `${line}\n${indent}`).join('') },
      {
        at: statement.end,
        text: after(app)
          .map((line) => `\n${indent}${line}`)
          .join(''),
      },
    );
    return true;
  }

  private answersRoot(node: Node): boolean {
    if (!this.ts.isMethodDeclaration(node)) return false;
    const decorators = this.ts.getDecorators(node) ?? [];
    return decorators.some(({ expression }) => /^Get\((?:|''|"")\)$/u.test(expression.getText()));
  }

  private calls(node: Node, name: string): boolean {
    return this.calleeOf(node) === name && this.ts.isDecorator(node.parent);
  }

  private calleeOf(node: Node): string {
    return this.ts.isCallExpression(node) ? node.expression.getText() : '';
  }

  private statementOf(node: Node): Node {
    return this.ts.isStatement(node) ? node : this.statementOf(node.parent);
  }

  private find<Found extends Node>(accept: (node: Node) => boolean): Found | undefined {
    const search = (node: Node): Node | undefined => (accept(node) ? node : this.ts.forEachChild(node, search));
    return search(this.file) as Found | undefined;
  }
}
