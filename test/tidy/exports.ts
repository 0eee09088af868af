// Rules about the names that source files export.

import { basename } from 'node:path/posix';
import { codeOf, lineAt, type SourceFile } from './source.ts';

/** One declaration that a file exports. */
export interface Exported {
  readonly kind: string;
  readonly name: string;
  readonly line: number;
}

const DECLARATION =
  /^export (?:declare )?(?:abstract )?(?:async )?(class|interface|type|enum|const|let|function\*?) (\w+)/gm;

/** The exported declarations of `text`, without re-exports. */
export function exportsOf(text: string): readonly Exported[] {
  const code = codeOf(text);
  return [...code.matchAll(DECLARATION)].map(({ index, 1: kind = '', 2: name = '' }) => ({
    kind,
    name,
    line: lineAt(code, index),
  }));
}

/** The names that more than one of `files` export, each with these files. */
export function duplicateExports(files: readonly SourceFile[]): readonly string[] {
  const paths = new Map<string, Set<string>>();
  for (const { path, text } of files) {
    for (const { name } of exportsOf(text)) paths.set(name, (paths.get(name) ?? new Set()).add(path));
  }
  return [...paths]
    .filter(([, found]) => found.size > 1)
    .map(([name, found]) => `${name}: ${[...found].join(', ')}`)
    .sort();
}

/** The words of a name: those of `FileCounters` and `file-counters` are the same, and so is a plural. */
function wordsOf(name: string): readonly string[] {
  return name
    .split(/[-.]|(?<=[a-z0-9])(?=[A-Z])/)
    .map((word) => word.toLowerCase().replace(/(?:es|s)$/, ''))
    .filter((word) => word !== '');
}

/** One noun per file: at most one exported class, which has the name of the file. */
export function nounProblems({ path, text }: SourceFile): readonly string[] {
  const [only, ...others] = exportsOf(text).filter(({ kind }) => kind === 'class');
  if (only === undefined) return [];
  if (others.length > 0) return [`${path} exports ${[only, ...others].map(({ name }) => name).join(' and ')}`];
  const words = wordsOf(basename(path, '.ts'));
  return wordsOf(only.name).some((word) => words.includes(word)) ? [] : [`${path} exports the class ${only.name}`];
}
