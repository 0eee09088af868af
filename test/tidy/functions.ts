// Measures functions by their braces, in TypeScript and in C++. Blocks of control statements are measured too, but they are
// shorter than their function.

import { codeOf, lineAt } from './source.ts';

/** One function: its first line, its place, and the number of lines up to its last brace. */
export interface Measured {
  readonly head: string;
  readonly line: number;
  readonly lines: number;
}

/** Whether a brace begins a function body, by the text since the last `;`, `{` or `}`. */
function opensBody(head: string, boundary: string, between: string): boolean {
  if (head === '') return boundary === '}' && !between.includes('\n'); // behind `): { a: number }`
  if (/^(?:export\s+)?(?:default\s+)?(?:abstract\s+)?(?:class|interface|namespace|enum|struct|union|type)\b/.test(head))
    return false;
  if (/\)\s*(?:(?:const|noexcept|override|final|mutable)\s*)*$/.test(head)) return true;
  if (/(?:=>|\bmutable|->\s*[\w:<>*&\s]+)$/.test(head)) return true;
  return /\):\s*[^\s=][^=]*$/.test(head);
}

/** The functions of `text`, outermost first. */
export function measureFunctions(text: string): readonly Measured[] {
  const code = codeOf(text);
  const found: Measured[] = [];
  const open: ({ head: string; start: number } | null)[] = [];
  let boundary = -1;
  for (let at = 0; at < code.length; at++) {
    const character = code[at] ?? '';
    if (character === '{') {
      const between = code.slice(boundary + 1, at);
      const head = between.trim();
      const start = boundary + 1 + (between.length - between.trimStart().length);
      open.push(opensBody(head, code[boundary] ?? '', between) ? { head, start } : null);
    } else if (character === '}') {
      const body = open.pop();
      if (body !== undefined && body !== null) {
        const line = lineAt(code, body.start);
        found.push({ head: body.head.split('\n')[0] ?? '', line, lines: lineAt(code, at) - line + 1 });
      }
    }
    if (character === '{' || character === '}' || character === ';') boundary = at;
  }
  return found;
}
