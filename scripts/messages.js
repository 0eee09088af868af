// Prints every text of the sources that a person may read, as `FILE:LINE: TEXT`: errors, log lines, help, reports. Run
// by `npm run messages [-- FOLDER...]` (default: src), so that all messages can be read and edited as one text.
// A text is a string or a template of two words or more; an expression in it is printed as `{source}`.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Longer expressions are cut. */
const MAX_EXPRESSION_LENGTH = 40;

/** A word, or an expression. */
const WORD = /[A-Za-z]{2}|[{}]/;

/** Whether two words stand beside each other. */
function isProse(text) {
  const words = text.split(' ').map((word) => WORD.test(word));
  return words.some((isWord, index) => isWord && words[index + 1] === true);
}

function sourcesOf(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(path, name))
    .sort();
}

/** The texts below a syntax node, outer ones first. Module names and types are not texts. */
function* textsBelow(node, source) {
  if (Array.isArray(node)) {
    for (const each of node) yield* textsBelow(each, source);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  if (/^(?:Import|ExportAll|TS(?!As|Satisfies|NonNull|Enum))/.test(node.type ?? '')) return;
  const text = textOf(node, source);
  if (text !== undefined) yield { start: node.start, text };
  for (const child of Object.values(node)) yield* textsBelow(child, source);
}

function textOf(node, source) {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type !== 'TemplateLiteral') return undefined;
  const parts = node.quasis.map(({ value }, index) => {
    const expression = node.expressions[index];
    return (
      value.cooked + (expression === undefined ? '' : `{${clipped(source.slice(expression.start, expression.end))}}`)
    );
  });
  return parts.join('');
}

function clipped(expression) {
  const text = expression.replaceAll(/\s+/g, ' ');
  return text.length <= MAX_EXPRESSION_LENGTH ? text : `${text.slice(0, MAX_EXPRESSION_LENGTH)}...`;
}

/** Shows control characters as JSON does. */
function printable(text) {
  return text.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

function messagesOf(source) {
  const found = [...textsBelow(parseAst(source, { lang: 'ts' }), source)].sort((a, b) => a.start - b.start);
  return found
    .filter(({ text }) => isProse(text))
    .map(({ start, text }) => ({ line: source.slice(0, start).split('\n').length, text }));
}

const folders = process.argv.slice(2);
for (const path of (folders.length > 0 ? folders : ['src']).flatMap((name) => sourcesOf(join(root, name)))) {
  for (const { line, text } of messagesOf(readFileSync(path, 'utf8'))) {
    process.stdout.write(`${relative(root, path)}:${line}: ${printable(text)}\n`);
  }
}
