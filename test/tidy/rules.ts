// Rules about the text of source files, each a function from a text to its violations.

import { codeOf, lineAt } from './source.ts';

/** `import` and `export ... from` statements, where `as` renames. */
const RENAMING = /^(?:import|export)\b[^;=(]*?\bfrom\b[^;]*;/gm;

function offences(code: string, pattern: RegExp): readonly string[] {
  return [...code.matchAll(pattern)].map((match) => `line ${lineAt(code, match.index)}: ${match[0].trim()}`);
}

/** Whether the line before `index` is a comment, which gives the reason for the code behind it. */
function hasReason(text: string, index: number): boolean {
  const before = text.split('\n')[lineAt(text, index) - 2] ?? '';
  return /^\s*\/\/ \S/.test(before);
}

/**
 * Casts without a reason, `any`, and comments that silence the compiler. `as const` narrows and is not a cast. The reason
 * for a cast is a comment on the line before it.
 */
export function typeOffences(text: string): readonly string[] {
  const code = codeOf(text).replaceAll(RENAMING, (statement) => statement.replaceAll(/[^\n]/g, ' '));
  const casts = [...code.matchAll(/\bas\s+(?!const\b)[\w{[(<]+/g)].filter(({ index }) => !hasReason(text, index));
  return [
    ...casts.map((match) => `line ${lineAt(code, match.index)}: ${match[0].trim()}`),
    ...offences(code, /\bany\b/g),
    ...offences(text, /@ts-(?:ignore|nocheck|expect-error)/g),
  ];
}

/** Conditional compilation other than an include guard. */
export function conditionalOffences(text: string): readonly string[] {
  const code = codeOf(text);
  const withoutGuard = code.replace(/^(\s*)#ifndef (\w+_H_)\n#define \2\n/, '$1\n\n');
  return offences(withoutGuard, /^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b.*$/gm);
}

/** The headers that a C++ file includes. */
export function includesOf(text: string): readonly string[] {
  return [...codeOf(text, true).matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)].map(
    (match) => match[1] ?? '',
  );
}
