// Reads source files, and blanks comments and literals without moving a line.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** One file: its path from the root, with `/`, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The files below `folder` of the repository at `root` whose names end in one of `extensions`. */
export function sourceFiles(folder: string, extensions: readonly string[], root: string = ROOT): readonly SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }));
}

/** Tokens before a regular expression; after any other token, `/` is a division. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};\n]|\breturn|=>)\s*$/;

const PATTERNS = {
  comment: /\/\/[^\n]*|\/\*[\s\S]*?\*\//y,
  string: /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y,
  regex: /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[dgimsuvy]*/y,
} as const;

/** The characters with which comments and literals begin. No pattern is tried at other characters. */
const BEGINNINGS = '/\'"`';

/** The end of the match of `pattern` at `at`; `at` itself if there is none. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** The end of the template literal that begins at `at`, including nested ones. */
function templateEnd(text: string, at: number): number {
  let depth = 0;
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (depth === 0 && text[i] === '`') return i + 1;
    else if (text.startsWith('${', i)) depth++;
    else if (depth > 0 && text[i] === '}') depth--;
    else if (depth > 0 && text[i] === '`') i = templateEnd(text, i) - 1;
  }
  return text.length;
}

function literalEnd(text: string, at: number): number {
  const character = text[at];
  if (character === "'" || character === '"') return endOf(PATTERNS.string, text, at);
  if (character === '`') return templateEnd(text, at);
  if (character === '/' && BEFORE_REGEX.test(text.slice(Math.max(0, at - 40), at))) {
    return endOf(PATTERNS.regex, text, at);
  }
  return at;
}

function blanked(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}

/** `text` with comments blanked and, unless `keepLiterals`, strings, templates and regular expressions too. */
export function codeOf(text: string, keepLiterals = false): string {
  let code = '';
  let at = 0;
  while (at < text.length) {
    if (!BEGINNINGS.includes(text.charAt(at))) {
      code += text[at++];
      continue;
    }
    const commentEnd = endOf(PATTERNS.comment, text, at);
    const end = commentEnd > at ? commentEnd : literalEnd(text, at);
    if (end === at) {
      code += text[at++];
      continue;
    }
    const piece = text.slice(at, end);
    code +=
      commentEnd === at && keepLiterals ? piece : commentEnd > at ? blanked(piece) : `"${blanked(piece.slice(1, -1))}"`;
    at = end;
  }
  return code;
}

/** The line number of `index`, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
