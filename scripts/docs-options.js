import ts from 'typescript';

/** What an application writes, and what Nest must know before any factory runs. */
const ROOTS = { OidcOptions: 'The client and the application', OidcModuleExtras: 'Beside the factory' };

/**
 * @typedef {{ path: string, type: string, isRequired: boolean, doc: string, unit?: string, default?: string }} Option
 * @typedef {{ title: string, doc: string, options: Option[] }} Section
 */

/**
 * Every option of `lib/options/oidc-options.ts`, in the order of the file: a section for each root, and one for each group
 * of options below it.
 *
 * @returns {Section[]}
 */
export function optionSections(text) {
  const file = ts.createSourceFile('oidc-options.ts', text, ts.ScriptTarget.Latest, true);
  const types = new Map(
    file.statements
      .filter((node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
      .map((node) => [node.name.text, node]),
  );
  return Object.entries(ROOTS).flatMap(([root, title]) => sectionsOf(types.get(root), title, '', types));
}

function sectionsOf(declaration, title, prefix, types) {
  const [options, groups] = [[], []];
  for (const member of declaration.members) {
    const path = prefix + member.name.getText();
    const names = typeNames(member.type);
    const type = types.get(names[0]);
    const isGroup = type !== undefined && ts.isInterfaceDeclaration(type);
    const { doc, ...facts } = docOf(member);
    // What has a doc comment of its own is an option that is an object; what has none is only a place for others.
    if (!isGroup || doc !== '') {
      const shown = isGroup ? 'object' : names.map((name) => typeText(name, types)).join(' | ');
      const isRequired = member.questionToken === undefined;
      options.push({ path, type: shown, isRequired, doc: doc || (type ? docOf(type).doc : ''), ...facts });
    }
    if (isGroup && doc !== '')
      options.push(...sectionsOf(type, path, `${path}.`, types).flatMap((inner) => inner.options));
    if (isGroup && doc === '') groups.push(...sectionsOf(type, path, `${path}.`, types));
  }
  return [{ title, doc: docOf(declaration).doc, options }, ...groups];
}

function typeNames(type) {
  const parts = ts.isUnionTypeNode(type) ? type.types : [type];
  return parts
    .map((part) => (ts.isParenthesizedTypeNode(part) ? part.type : part).getText())
    .filter((name) => name !== 'undefined');
}

/** Unions with a name are written out: the name says nothing to who writes options. */
function typeText(name, types) {
  const [, item, list = ''] = /^(?:readonly )?(\w+)(\[\])?$/u.exec(name) ?? [];
  const alias = types.get(item);
  if (!alias) return oneLine(name).replace(/\breadonly /gu, '');
  const union = oneLine(alias.type.getText());
  return list === '' ? union : `(${union})${list}`;
}

function docOf(node) {
  const comment = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc);
  const tag = comment?.tags?.find(({ tagName }) => tagName.text === 'default');
  const text = textOf(comment?.comment);
  const unit = /(?:^| )(?<unit>(?:Seconds|An integer)(?:, .*?)?)\.(?= |$)/u.exec(text)?.groups.unit;
  return {
    doc: unit === undefined ? text : text.replace(`${unit}.`, '').trim(),
    ...(unit && { unit: unit[0].toLowerCase() + unit.slice(1) }),
    ...(tag && { default: textOf(tag.comment) }),
  };
}

function textOf(comment) {
  return oneLine(ts.getTextOfJSDocComment(comment) ?? '').replace(/\{@link (?<name>[^}]+)\}/gu, '`$<name>`');
}

const oneLine = (text) => text.replace(/\s+/gu, ' ').trim();

const HEAD = `# Options

<!-- Written by \`npm run docs:reference\` from the doc comments of lib/options/oidc-options.ts. -->

Durations are seconds. Unknown options are refused, and the start names every problem at once. The same in a table is in
the [README](../../README.md#options). From environment variables: see [Configuration](../recipes/configuration.md).
`;

const LEADS = {
  [ROOTS.OidcOptions]: '',
  [ROOTS.OidcModuleExtras]:
    'Nest must know these before any factory runs: they stand beside `useFactory`, `useClass` or `useExisting`, or among the options of `forRoot`.',
};

/** The options as a page. */
export function optionsPage(text) {
  const sections = optionSections(text).map(({ title, doc, options }) =>
    [`## ${title}`, LEADS[title] ?? doc, ...options.flatMap(entry)].filter(Boolean).join('\n\n'),
  );
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}

function entry({ path, type, isRequired, doc, unit, default: value }) {
  const facts = [
    `Type: \`${type}\``,
    unit && `unit: ${unit}`,
    isRequired && 'required',
    value && `default: ${asCode(value)}`,
  ].filter(Boolean);
  return [`### ${path}`, doc, facts.join(' · ')];
}

/** A value is code; a sentence that has one in it is not. */
function asCode(value) {
  return /^(?:'[^']*'|\d+|true|false|\[.*\]|\{\})$/u.test(value) ? `\`${value}\`` : value.replace(/'[^']*'/gu, '`$&`');
}
