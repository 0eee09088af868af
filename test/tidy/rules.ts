// What must not stand in source files, each rule a function from a text to its offences.

import { codeOf, lineAt } from './source.ts';

/** `import` and `export ... from` statements, where `as` renames. */
const RENAMING = /^(?:import|export)\b[^;=(]*?\bfrom\b[^;]*;/gm;

function offences(code: string, pattern: RegExp): readonly string[] {
  return [...code.matchAll(pattern)].map((match) => `line ${lineAt(code, match.index)}: ${match[0].trim()}`);
}

/** Casts, `any`, and comments that silence the compiler. `as const` narrows and is no cast. */
export function typeOffences(text: string): readonly string[] {
  const code = codeOf(text).replaceAll(RENAMING, (statement) => statement.replaceAll(/[^\n]/g, ' '));
  return [
    ...offences(code, /\bas\s+(?!const\b)[\w{[(<]+/g),
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
