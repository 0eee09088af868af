// Tests that `scripts/check-regexps.js` rejects expressions that take more than linear time, and accepts linear ones.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder } from '../support/folder.ts';
import { ROOT } from './source.ts';

interface Checked {
  readonly status: number | null;
  readonly said: string;
  readonly path: string;
}

async function check(text: string, name = 'some.ts'): Promise<Checked> {
  const path = join(await folder({ [name]: text }), name);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join('scripts', 'check-regexps.js'), path], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr, path };
}

describe('an expression is rejected', () => {
  test('with its file, line, source and a slow input', async () => {
    const { status, said, path } = await check(
      'const a: string = b;\n\nconst c = a.replace(/^[\\t ]+|[\\t ]+$/g, "");\n',
    );
    expect(status).toBe(1);
    expect(said).toContain(`${path.split('/').at(-1)}:3: /^[\\t ]+|[\\t ]+$/g\n`);
    expect(said).toMatch(/2nd degree polynomial time, for example for '.*'\.repeat\(\d+\)/);
  });

  test.each([
    ['exponential', 'export const A = /^(a|a)*$/;', /exponential time/],
    ['quadratic, in JavaScript', 'module.exports = /\\s+$/;', /polynomial time/],
    ['quadratic, by new', "new RegExp('\\\\s+$', 'm');", /polynomial time/],
    ['quadratic, by a call', "RegExp('\\\\s+$');", /polynomial time/],
    ['quadratic, of a string', "text.match('\\\\s+$');", /polynomial time/],
    ['with look-ahead, which cannot be proved', '/a(?![^,]*;q=0)/;', /cannot be proved linear \(look-ahead/],
    ['with a back-reference, which cannot be proved', '/^(\\d+)-\\1$/;', /cannot be proved linear \(back-ref/],
    ['that is built at run time', "new RegExp('^' + name);", /built at run time/],
  ])('%s', async (what, text, expected) => {
    const { status, said } = await check(text, what.includes('JavaScript') ? 'some.cjs' : 'some.ts');
    expect(status).toBe(1);
    expect(said).toMatch(expected);
  });
});

test('linear expressions pass, and so does text that looks like one', async () => {
  const { status, said } = await check(
    [
      'const a: RegExp = /^[\\t ]+/;',
      'const b = /^(\\d{2}):(\\d{2})$/.exec(text)?.[1] as string;',
      "const c = new RegExp('^a+$', 'i');",
      "const d = '/\\\\s+$/';",
      'const e = 1 / 2 / 3; // /\\s+$/',
      'const f = new RegExp(/a/);',
      'const g = text.match(a);',
      'const h = /(?!\\n)[\\p{Cc}\\p{Zl}]/gu;',
    ].join('\n'),
  );
  expect(said).toBe('5 regular expressions, 0 rejected\n');
  expect(status).toBe(0);
});
