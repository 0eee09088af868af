// Declarations of a source file and their docstrings, as Markdown.
import { readFileSync } from 'node:fs';
import ts from 'typescript-5.9';

/**
 * The declarations of one source file, with docstrings and without bodies. No types are checked, which is possible
 * because of `isolatedDeclarations` in tsconfig.json.
 */
export function readModule(path) {
  const { outputText } = ts.transpileDeclaration(readFileSync(path, 'utf8'), {
    fileName: path,
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext },
  });
  return ts.createSourceFile(path, outputText, ts.ScriptTarget.ES2023, true);
}

/** Markdown in which nothing outside of code is read as HTML or as a template of the site. */
function escaped(text) {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;').replaceAll('{{', '&#123;&#123;')))
    .join('');
}

/** A docstring without its stars; `{@link a}` becomes code. */
export function docLines(node) {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = docs.at(-1)?.getText() ?? '';
  return text
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .join('\n')
    .trim()
    .replaceAll(/\{@link\s([^{}]+)\}/g, '`$1`');
}

/** Paragraphs of text, each on one line; tables keep their lines. Tags become sentences. */
export function docText(node) {
  const lines = docLines(node)
    .replaceAll(/^@throws /gm, '\n**Throws** ')
    .replaceAll(/^@example\b/gm, '\n');
  const paragraphs = lines.split(/\n{2,}/).map((text) => (text.startsWith('|') ? text : text.replaceAll('\n', ' ')));
  return escaped(paragraphs.join('\n\n').trim());
}
