// Finds the regular expressions of all sources and rejects those that may take more than linear time. Run by `npm run
// check`; with arguments, it checks those files:
//   node scripts/check-regexps.js [FILE ...]
// `recheck` proves with an automaton that an expression is linear, or shows a slow text. It has no automaton for
// look-around and back-references beside repetition, so these are rejected too. Only one match is checked: with the
// flag `g`, an expression that scans further than its match (`/x.*y|x/g`) may still take longer.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from 'recheck';
import { parseAst } from 'rolldown/parseAst';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Tests are excluded: they choose their own texts. */
const FOLDERS = ['src', 'examples', 'html', 'bench', 'scripts', '.ci'];
const LANGUAGES = { '.ts': 'ts', '.js': 'js', '.mjs': 'js', '.cjs': 'js' };

/** The time limit for one expression; the slowest ones here take a few seconds. */
const TIMEOUT_MS = 60_000;

/** Attack strings are long, so only their beginning is printed. */
const MAX_ATTACK_LENGTH = 200;

/** String methods that convert a string to a regular expression. */
const MATCHING = ['match', 'matchAll', 'search'];

function sources() {
  return FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((name) => extname(name) in LANGUAGES)
      .map((name) => join(root, folder, name)),
  );
}

function* nodesOf(node) {
  if (Array.isArray(node)) for (const each of node) yield* nodesOf(each);
  else if (typeof node === 'object' && node !== null) {
    if (typeof node.type === 'string') yield node;
    for (const child of Object.values(node)) yield* nodesOf(child);
  }
}

/** The regular expression of a syntax node; undefined if it is none, `source: null` if it is not a literal. */
function expressionOf(node) {
  if (node.type === 'Literal' && node.regex) return { source: node.regex.pattern, flags: node.regex.flags };
  if (node.type !== 'NewExpression' && node.type !== 'CallExpression') return undefined;
  const { callee } = node;
  const [source, flags] = node.arguments;
  if (callee.type === 'MemberExpression' && MATCHING.includes(callee.property.name)) {
    return isText(source) ? { source: source.value, flags: '' } : undefined;
  }
  if (callee.name !== 'RegExp' || source?.regex) return undefined;
  const isKnown = isText(source) && (flags === undefined || isText(flags));
  return isKnown ? { source: source.value, flags: flags?.value ?? '' } : { source: null, flags: '' };
}

function isText(node) {
  return node?.type === 'Literal' && typeof node.value === 'string';
}

function expressionsIn(path) {
  const text = readFileSync(path, 'utf8');
  const { body } = parseAst(text, { lang: LANGUAGES[extname(path)] }, path);
  return [...nodesOf(body)].flatMap((node) => {
    const expression = expressionOf(node);
    if (expression === undefined) return [];
    const line = text.slice(0, node.start).split('\n').length;
    return [{ ...expression, where: `${relative(root, path)}:${line}`, text: text.slice(node.start, node.end) }];
  });
}

/** The reason why an expression is rejected; empty when it is linear. */
async function objection({ source, flags }) {
  if (source === null) return 'it is built at run time and cannot be checked: use a literal';
  const { status, complexity, attack, error } = await check(source, flags, {
    checker: 'automaton',
    timeout: TIMEOUT_MS,
  });
  if (status === 'safe') return '';
  if (status === 'unknown') return `it cannot be proved linear (${error.message ?? error.kind}): simplify it`;
  return `it takes ${complexity.summary} time, for example for ${attack.pattern.slice(0, MAX_ATTACK_LENGTH)}`;
}

const known = new Map();
let count = 0;
let rejected = 0;
for (const path of process.argv.length > 2 ? process.argv.slice(2) : sources()) {
  for (const expression of expressionsIn(path)) {
    count++;
    const key = `${expression.flags}/${expression.source}`;
    const why = known.get(key) ?? (await objection(expression));
    known.set(key, why);
    if (why === '') continue;
    rejected++;
    process.stdout.write(`${expression.where}: ${expression.text}\n    ${why}\n`);
  }
}
process.stdout.write(`${count} regular expressions, ${rejected} rejected\n`);
process.exitCode = rejected === 0 ? 0 : 1;
