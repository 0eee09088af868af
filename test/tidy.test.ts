// Tests the source tree against its rules: directions of imports, sizes, permitted headers, and that the documentation
// lists what the code has.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../src/errors.ts';
import { duplicateExports, nounProblems } from './tidy/exports.ts';
import { measureFunctions } from './tidy/functions.ts';
import { importProblems, orderProblems, smallFiles } from './tidy/imports.ts';
import { errorRows, figures, sourcePage } from './tidy/readme.ts';
import { conditionalOffences, includesOf, typeOffences } from './tidy/rules.ts';
import { codeOf, ROOT, type SourceFile, sourceFiles } from './tidy/source.ts';

const MAX_FUNCTION_LINES = 60;
/** A shorter file that only one other file imports belongs into that one. */
const MIN_FILE_LINES = 25;

const TYPESCRIPT = sourceFiles('src', ['.ts']);
const NATIVE = sourceFiles('native', ['.cc', '.h']);
const SCRIPTS = sourceFiles('scripts', ['.js']);

function offendersOf(files: readonly SourceFile[], rule: (text: string) => readonly string[]): readonly string[] {
  return files.flatMap(({ path, text }) => rule(text).map((offence) => `${path}: ${offence}`));
}

function longFunctions(text: string): readonly string[] {
  return measureFunctions(text)
    .filter(({ lines }) => lines > MAX_FUNCTION_LINES)
    .map(({ head, line, lines }) => `line ${line}: ${head} has ${lines} lines`);
}

describe('imports', () => {
  test('point only left', () => {
    expect(TYPESCRIPT.length).toBeGreaterThan(30);
    expect(importProblems(TYPESCRIPT)).toEqual([]);
    expect(orderProblems()).toEqual([]);
  });

  test.each([
    ['src/kernel/kernel.ts', '../reactor/reactor.ts'],
    ['src/reactor/reactor.ts', '../connection/connection.ts'],
    ['src/connection/connection.ts', '../http1/session.ts'],
    ['src/connection/connection.ts', '../http/date.ts'],
    ['src/http1/session.ts', '../adapters/wsgi.ts'],
    ['src/http1/session.ts', '../connection/connection.ts'],
    ['src/server/server.ts', '../connection/connection.ts'],
    ['src/http1/session.ts', '../server/server.ts'],
    ['src/adapters/wsgi.ts', '../http1/session.ts'],
    ['src/adapters/wsgi.ts', '../limits.ts'],
    ['src/adapters/wsgi.ts', '../kernel/kernel.ts'],
    ['src/server/server.ts', '../cli/program.ts'],
    ['src/cli/program.ts', '../index.ts'],
    ['src/server/options.ts', '../config/resolve.ts'],
    ['src/config/resolve.ts', '../cli/arguments.ts'],
    ['src/options/kinds.ts', '../files/site.ts'],
    ['src/files/site.ts', '../config/resolve.ts'],
    ['src/http/date.ts', '../errors.ts'],
    ['src/tools/conformance/deliver.ts', '../../http/date.ts'],
    ['src/server/server.ts', '../tools/conformance/case.ts'],
    ['src/tools/compare/peers.ts', '../../cli/model.ts'],
    ['src/tools/compare/trial.ts', '../../server/server.ts'],
    ['src/files/site.ts', '../server/server.ts'],
    ['src/files/site.ts', '../connection/connection.ts'],
    ['src/adapters/wsgi.ts', '../files/site.ts'],
    ['src/exchange/body.ts', '../http1/session.ts'],
    ['src/server/server.ts', '../tools/compare/result.ts'],
    ['src/fetch/headers.ts', '../http/fields.ts'],
    ['src/http1/session.ts', '../fetch/request.ts'],
    ['src/server/server.ts', '../fetch/globals.ts'],
    ['src/http/date.ts', 'node:fs'],
    ['src/limits.ts', './http/date.ts'],
    ['src/utils/text.ts', '../errors.ts'],
    ['src/another.ts', './errors.ts'],
  ])('%s must not import %s', (path, specifier) => {
    for (const text of [
      `import { x } from '${specifier}';`,
      `export * from "${specifier}";`,
      `await import('${specifier}');`,
    ]) {
      expect(importProblems([{ path, text }])).toHaveLength(1);
    }
  });

  test.each([
    ['src/reactor/reactor.ts', '../kernel/kernel.ts'],
    ['src/http1/session.ts', '../http/date.ts'],
    ['src/adapters/wsgi.ts', '../errors.ts'],
    ['src/adapters/wsgi.ts', '../fetch/response.ts'],
    ['src/app/offload/call.ts', '../../http/handler.ts'],
    ['src/adapters/wsgi.ts', 'mime'],
    ['src/adapters/wsgi.ts', 'node:fs'],
    ['src/http/date.ts', './status.ts'],
    ['src/cli/program.ts', '../server/server.ts'],
    ['src/cli/conform.ts', '../tools/conformance/examine.ts'],
    ['src/tools/conformance/target.ts', '../../errors.ts'],
    ['src/cli/compare.ts', '../tools/compare/comparison.ts'],
    ['src/tools/compare/load.ts', '../../errors.ts'],
  ])('%s may import %s', (path, specifier) => {
    expect(importProblems([{ path, text: `import { x } from '${specifier}';` }])).toEqual([]);
  });

  test('in comments do not count', () => {
    expect(importProblems([{ path: 'src/http/a.ts', text: "// import x from '../errors.ts';" }])).toEqual([]);
  });
});

describe('sizes', () => {
  test('no function has more than 60 lines', () => {
    expect(offendersOf([...TYPESCRIPT, ...NATIVE, ...SCRIPTS], longFunctions)).toEqual([]);
  });

  test.each([
    ['a function', (body: string) => `function f(a: number): void {\n${body}\n}`],
    ['a method', (body: string) => `class C {\n  #m(a: { b: number }): string | null {\n${body}\n}\n}`],
    ['an arrow function', (body: string) => `const f = (a: number) => {\n${body}\n};`],
    ['an accessor', (body: string) => `class C {\n  get size(): number {\n${body}\n}\n}`],
    ['an object as result', (body: string) => `function f(): { a: number } {\n${body}\n}`],
    ['a C++ member', (body: string) => `int Kernel::Wait(int ms) const {\n${body}\n}`],
    ['a C++ constructor', (body: string) => `Kernel::Kernel(int a)\n    : a_(a), b_{1} {\n${body}\n}`],
    ['a C++ lambda', (body: string) => `auto f = [](int a) -> int {\n${body}\n};`],
  ])('a long one is found: %s', (_, wrap) => {
    const body = (lines: number): string =>
      Array.from({ length: lines }, (_line, i) => `  call('}', ${i}); // {`).join('\n');
    expect(longFunctions(wrap(body(MAX_FUNCTION_LINES)))).toHaveLength(1);
    expect(longFunctions(wrap(body(10)))).toEqual([]);
  });

  test('a long class, table or namespace is no function', () => {
    const lines = Array.from({ length: 100 }, (_, i) => `  f${i}: ${i},`).join('\n');
    expect(longFunctions(`const TABLE = {\n${lines}\n};`)).toEqual([]);
    expect(longFunctions(`class C {\n${lines.replaceAll(',', ';')}\n}`)).toEqual([]);
    expect(longFunctions(`namespace a {\n${lines.replaceAll(',', ';')}\n}`)).toEqual([]);
  });
});

describe('nouns', () => {
  test('exported names are unique', () => {
    expect(duplicateExports(TYPESCRIPT)).toEqual([]);
  });

  test('an exported name that occurs twice is found, for each kind of export', () => {
    const file = (path: string, text: string): SourceFile => ({ path, text });
    const first = file(
      'src/a.ts',
      'export interface Plan {}\nexport { other } from "./c.ts";\n// export class Other {}',
    );
    for (const declared of ['class Plan {}', 'type Plan = 1;', 'const Plan = 1;', 'async function Plan(): void {}']) {
      expect(duplicateExports([first, file('src/b.ts', `export ${declared}`)])).toEqual(['Plan: src/a.ts, src/b.ts']);
    }
    expect(duplicateExports([first, file('src/b.ts', 'class Plan {}\nexport type Plans = Plan;')])).toEqual([]);
    expect(duplicateExports([first, file('src/b.ts', 'export const other = 1;\nexport class Other {}')])).toEqual([]);
  });

  test('a file exports at most one class, which has its name', () => {
    expect(TYPESCRIPT.flatMap(nounProblems)).toEqual([]);
  });

  test.each([
    ['src/a/reader.ts', 'export class Reader {}\nexport class Writer {}'],
    ['src/a/date.ts', 'export class Clock {}'],
    ['src/a/date.ts', 'export abstract class Clock {}'],
  ])('%s must not hold %s', (path, text) => {
    expect(nounProblems({ path, text })).toHaveLength(1);
  });

  test.each([
    ['src/a/line-reader.ts', 'export class Reader {}\nclass Writer {}\nexport type Writers = Writer[];'],
    ['src/a/errors.ts', 'export class ServerError {}'],
    ['src/a/date.ts', 'export function parse(): void {}\nexport function format(): void {}'],
  ])('%s may hold %s', (path, text) => {
    expect(nounProblems({ path, text })).toEqual([]);
  });

  test('no short file has a single importer', () => {
    expect(smallFiles(TYPESCRIPT, MIN_FILE_LINES)).toEqual([]);
  });

  test('a short file with one importer is found, unless it is a program', () => {
    const user = (path: string, specifier: string): SourceFile => ({ path, text: `import { a } from '${specifier}';` });
    const small = { path: 'src/http/a.ts', text: 'export const a = 1;\n' };
    const long = { path: 'src/http/a.ts', text: 'export const a = 1;\n'.repeat(MIN_FILE_LINES) };
    const one = [user('src/http/b.ts', './a.ts'), user('src/http/c.ts', './b.ts'), user('src/http/d.ts', './b.ts')];
    expect(smallFiles([small, ...one], MIN_FILE_LINES)).toEqual(['src/http/a.ts belongs into src/http/b.ts']);
    expect(smallFiles([long, ...one], MIN_FILE_LINES)).toEqual([]);
    expect(smallFiles([small, ...one, user('src/files/e.ts', '../http/a.ts')], MIN_FILE_LINES)).toEqual([]);
    expect(smallFiles([{ path: 'src/poll-server.ts', text: '' }, user('src/d.ts', './poll-server.ts')], 25)).toEqual(
      [],
    );
  });
});

describe('the native edge', () => {
  const including = (header: string): readonly string[] =>
    NATIVE.filter(({ text }) => includesOf(text).includes(header)).map(({ path }) => path);

  test('napi.h is included by native/addon.cc alone, node_api.h by headers of that edge', () => {
    expect(including('napi.h')).toEqual(['native/addon.cc']);
    expect(including('node_api.h')).toEqual([
      'native/arguments.h',
      'native/file_calls.h',
      'native/file_jobs.h',
      'native/file_object.h',
      'native/kernel_object.h',
      'native/tls_calls.h',
      'native/transport_handle.h',
    ]);
  });

  test('uv.h is included by native/loop_bridge.cc alone', () => {
    expect(including('uv.h')).toEqual(['native/loop_bridge.cc']);
  });

  test('only native/pollers.cc has conditional compilation', () => {
    const conditional = NATIVE.filter(({ text }) => conditionalOffences(text).length > 0);
    expect(conditional.map(({ path }) => path)).toEqual(['native/pollers.cc']);
    expect(conditionalOffences('#ifndef A_H_\n#define A_H_\nint a;\n#endif')).toEqual([]);
    expect(conditionalOffences('#ifndef A_H_\n#define A_H_\n# if defined(X)\n#endif\n#endif')).toHaveLength(1);
    expect(conditionalOffences('#ifndef NDEBUG\nint a;\n#endif')).toHaveLength(1);
  });
});

describe('types', () => {
  test('are never cast without a reason, silenced, or any', () => {
    expect(offendersOf(TYPESCRIPT, typeOffences)).toEqual([]);
  });

  test.each([
    'const a = b as string;',
    '// A reason.\n\nconst a = b as string;',
    'let a: any;',
    'f<any>();',
    '// A reason.\nlet a = b as any;',
    '// @ts-ignore',
    'x as unknown as T;',
  ])('a violation is found: %s', (text) => {
    expect(typeOffences(text).length).toBeGreaterThan(0);
  });

  test.each([
    "import * as a from 'b';",
    "export { a as b } from 'c';",
    'const a = [1] as const;',
    '// A reason.\nconst a = b as string;',
    '// as if any',
    "f('as any');",
    'g(`as any`);',
  ])('no violation: %s', (text) => {
    expect(typeOffences(text)).toEqual([]);
  });
});

describe('the README', () => {
  const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
  const readme = (): string => textOf('README.md');

  test('has at most 150 lines', () => {
    expect(readme().split('\n').length).toBeLessThanOrEqual(151);
  });

  test('links to files that are there, as all pages of docs/ do', () => {
    const pages = ['docs', 'docs/zh'].flatMap((folder) =>
      readdirSync(join(ROOT, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}/${name}`),
    );
    expect(pages.length).toBeGreaterThan(15);
    const links = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pages].flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = '']) => [page, link] as const),
    );
    expect(links.filter(([page, link]) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([]);
  });

  test('has no figure that the page of its source does not have', () => {
    const found = figures(readme());
    expect(new Set(found.map(([source]) => source)).size).toBe(3);
    expect(found.length).toBeGreaterThan(10);
    const missing = found.filter(([source, figure]) => !textOf(sourcePage(readme(), source)).includes(figure));
    expect(missing).toEqual([]);
  });

  test('and its figures are read as they are written', () => {
    const text = '| p99 (1) | 4.32 ms | - |\n| TLS | no | 1 |\n\n1. By\n   [a page](docs/a.md).\n2. b\n\n';
    expect(figures(text)).toEqual([['1', '4.32']]);
    expect(sourcePage(text, '1')).toBe('docs/a.md');
  });
});

describe('docs/errors.md', () => {
  test('lists every error code and no other', () => {
    const page = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8');
    expect([...errorRows(page)].sort()).toEqual(Object.keys(ERROR_CODES).sort());
  });

  test('is parsed correctly', () => {
    expect(errorRows('| `ERR_OPTION` | usage |')).toEqual(['ERR_OPTION']);
  });
});

test('ARCHITECTURE.md names existing files', () => {
  const endings = ['.ts', '.js', '.cc', '.h', '.py', '.json'];
  const paths = ['src', 'native', 'test', 'scripts'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) => `/${folder}/${path}`),
  );
  const words = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8').match(/`[\w./-]+`/g) ?? [];
  const named = words.map((word) => word.slice(1, -1)).filter((name) => endings.includes(extname(name)));
  expect(named.length).toBeGreaterThan(50);
  const root = readdirSync(ROOT);
  expect(named.filter((name) => !root.includes(name) && !paths.some((path) => path.endsWith(`/${name}`)))).toEqual([]);
});

test('all lines for the operator are written by log-line.ts, which escapes them', () => {
  const writing = TYPESCRIPT.filter(({ text }) => /\bprocess\.(?:stdout|stderr)\b/.test(codeOf(text)));
  const paths = writing.map(({ path }) => path).filter((path) => !path.startsWith('src/tools/compare/'));
  expect(paths).toEqual([
    'src/adapters/environ.ts',
    'src/cli/compare.ts',
    'src/cli/conform.ts',
    'src/cli/program.ts',
    'src/workers/role.ts',
  ]);
});

describe('errors', () => {
  const users = TYPESCRIPT.filter(({ path }) => path !== 'src/errors.ts');
  const code = users.map(({ text }) => codeOf(text, true).replaceAll(/[!=]==\s*'ERR_\w+'/g, '')).join('\n');

  test.each(Object.keys(ERROR_CODES))('%s is thrown somewhere', (name) => {
    expect(code).toContain(`'${name}'`);
  });
});
