// docs/api.md: what each entry point of the package exports, from the docstrings.
import { dirname, join } from 'node:path';
import ts from 'typescript-5.9';
import { docLines, docText, readModule } from './docstrings.js';

/** Entry points, with what each is for. A name that several export is documented at the first. */
const ENTRY_POINTS = [
  ['epoll-server', 'index.ts', 'A server, applications by the name of their module, and the types of requests.'],
  ['epoll-server/fetch', 'fetch.ts', 'Fetch applications as handlers, and the light classes of the Fetch standard.'],
  ['epoll-server/wsgi', 'wsgi.ts', 'WSGI-style applications as handlers.'],
  ['epoll-server/static', 'static.ts', 'Static files as a handler.'],
  ['epoll-server/testing', 'testing/index.ts', 'A server on a simulated machine. [How to use it](testing.md).'],
];

const MAX_LINE = 100;

const INTRODUCTION = `# API

Generated from the docstrings in \`src/\` by \`npm run generate\`. [From code](from-code.md) explains how the parts work
together. Every error has a \`code\` of [this list](errors.md). Every option stands in [this table](options.md) too.
`;

/** Reads modules once. */
class Declarations {
  #files = new Map();

  read(path) {
    const file = this.#files.get(path) ?? readModule(path);
    this.#files.set(path, file);
    return file;
  }

  /** The declarations of `name` in the module `path`, or in the one that it comes from: overloads are several. */
  find(path, name) {
    const file = this.read(path);
    const own = file.statements.filter((statement) => namesOf(statement).includes(name));
    if (own.length > 0) return own;
    for (const { moduleSpecifier, importClause, exportClause } of file.statements) {
      const elements = importClause?.namedBindings?.elements ?? exportClause?.elements ?? [];
      const found = moduleSpecifier && elements.find((element) => element.name.text === name);
      if (!found) continue;
      return this.find(join(dirname(path), moduleSpecifier.text), (found.propertyName ?? found.name).text);
    }
    throw new Error(`${path} exports ${name}, which is not declared`);
  }
}

function namesOf(statement) {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.text);
  return ts.isExportDeclaration(statement) || ts.isImportDeclaration(statement) ? [] : [statement.name?.text];
}

/** The names that a module exports. */
function exportsOf(file) {
  return file.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) return statement.exportClause.elements.map(({ name }) => name.text);
    const isExported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    return isExported ? namesOf(statement) : [];
  });
}

const isInternal = (node) => docLines(node).includes('@internal');

function isShown(member) {
  const isPrivate = member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword);
  return !isPrivate && !(member.name && ts.isPrivateIdentifier(member.name)) && !isInternal(member);
}

/** A declaration without docstrings. */
function codeOf(node) {
  const printer = ts.createPrinter({ removeComments: true });
  const text = printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
  return text.replace(/^export (?:declare )?/, '').replace(/;$/, '');
}

/** The same in one line. */
function signature(node) {
  return codeOf(node).replaceAll(/\s+/g, ' ');
}

/** In one line if it is short. */
function blockOf(node) {
  const line = signature(node);
  return line.length <= MAX_LINE ? line : codeOf(node);
}

function memberItem(member) {
  const text = docText(member).replaceAll('\n', '\n  ');
  return `- \`${signature(member)}\`${text === '' ? '' : `\n\n  ${text}`}`;
}

/** The head of a class or interface: all in front of its members. */
function headOf(node) {
  const [head] = signature(node).split('{');
  return head.trim();
}

/** The constant whose values a type lists: `(typeof ADAPTERS)[number]`. */
function constantsOf(node) {
  const [, name] = /\(typeof (\w+)\)\[/.exec(signature(node)) ?? [];
  return node.getSourceFile().statements.filter((statement) => name !== undefined && namesOf(statement).includes(name));
}

function symbolText(name, nodes) {
  const [first] = nodes;
  const hasMembers = ts.isInterfaceDeclaration(first) || ts.isClassDeclaration(first);
  const code = hasMembers ? headOf(first) : [...nodes.flatMap(constantsOf), ...nodes].map(blockOf).join('\n');
  const members = hasMembers ? first.members.filter(isShown).map(memberItem) : [];
  const docs = nodes.map(docText).filter((text) => text !== '');
  return [`### ${name}`, ['```ts', code, '```'].join('\n'), ...docs, ...members].join('\n\n');
}

/** Functions and classes first, then types; each group by name. */
function ordered(symbols) {
  const rank = ([, [node]]) => (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) ? 1 : 0);
  return symbols.sort((a, b) => rank(a) - rank(b) || (a[0].toLowerCase() < b[0].toLowerCase() ? -1 : 1));
}

export function apiDocuments(root) {
  const declarations = new Declarations();
  const documented = new Map();
  const parts = ENTRY_POINTS.map(([entry, file, text]) => {
    const path = join(root, 'src', file);
    const names = exportsOf(declarations.read(path));
    const [elsewhere, own] = [
      names.filter((name) => documented.has(name)),
      names.filter((name) => !documented.has(name)),
    ];
    for (const name of own) documented.set(name, entry);
    const also = elsewhere.map((name) => `[\`${name}\`](#${name.toLowerCase()})`).join(', ');
    const symbols = ordered(own.map((name) => [name, declarations.find(path, name)]));
    return [
      `## ${entry}`,
      text,
      ...(also === '' ? [] : [`Also exported here: ${also}.`]),
      ...symbols.map(([name, nodes]) => symbolText(name, nodes)),
    ].join('\n\n');
  });
  return `${INTRODUCTION}\n${parts.join('\n\n')}\n`;
}
