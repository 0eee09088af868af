// Tests which modules are applications, which adapter they get, and the errors of modules that are none.

import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadHandler } from '../../src/app/module-handler.ts';
import { ask, get } from '../support/client.ts';
import { oneProcess } from '../support/commands.ts';
import { folder, type Tree } from '../support/folder.ts';
import { portOf, startCommand } from '../support/program.ts';

const run = oneProcess();

/** The application `reference` in a folder with `tree`. It runs in a program, because Vitest has its own loader. */
async function responseOf(tree: Tree, reference: string, ...flags: readonly string[]): Promise<string> {
  const program = startCommand(['0', '--app', join(await folder(tree), reference), ...flags]);
  const { text } = await ask(await portOf(program), get('/x'));
  expect(program.stderr).toBe('');
  return text;
}

/** The one line on standard error when the application is rejected at the start. */
async function complaintOf(tree: Tree, reference: string, ...flags: readonly string[]): Promise<string> {
  const path = await folder(tree);
  const { exit, stdout, stderr } = await run(['0', '--app', join(path, reference), ...flags]);
  expect(exit, stderr).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^epoll-server: [^\n]+\n$/);
  return stderr.slice('epoll-server: '.length, -1).replaceAll(`${path}/`, '');
}

const WSGI = "(environ, start) => { start('200 OK', []); return 'wsgi ' + environ.PATH_INFO; }";
const FETCH = '(request) => new Response("fetch " + request.method)';

/** Forms of CommonJS: exports that Node.js detects, exports that it does not, and the output of compilers. */
const COMMON_JS: readonly (readonly [string, string, string])[] = [
  [`exports.application = ${WSGI};`, '', 'wsgi /x'],
  [`module.exports = { application: ${WSGI} };`, '', 'wsgi /x'],
  [`const all = {}; all['application'] = ${WSGI}; module.exports = all;`, '', 'wsgi /x'],
  [`const all = {}; all['main'] = ${FETCH}; module.exports = all;`, ':main', 'fetch GET'],
  [`module.exports = ${FETCH};`, '', 'fetch GET'],
  [`module.exports = { prefix: 'fetch ', fetch() { return new Response(this.prefix + 'GET'); } };`, '', 'fetch GET'],
  [`Object.defineProperty(exports, '__esModule', { value: true }); exports.application = ${WSGI};`, '', 'wsgi /x'],
  [`Object.defineProperty(exports, '__esModule', { value: true }); exports.fetch = ${FETCH};`, '', 'fetch GET'],
];

test.each(COMMON_JS)('CommonJS: %s%s', async (text, name, answer) => {
  expect(await responseOf({ 'app.cjs': text }, `app.cjs${name}`)).toBe(answer);
});

test('a .js file is loaded as CommonJS or as a module, by its package.json', async () => {
  const cjs = { 'package.json': '{"type":"commonjs"}', 'app.js': `exports.application = ${WSGI};` };
  const esm = { 'package.json': '{"type":"module"}', 'app.js': `export const application = ${WSGI};` };
  expect(await responseOf(cjs, 'app.js')).toBe('wsgi /x');
  expect(await responseOf(esm, 'app.js')).toBe('wsgi /x');
});

test('a module may be named without its extension, and may lie in the dynamic folder', async () => {
  expect(await responseOf({ 'mini_frame.mjs': `export const application = ${WSGI};` }, 'mini_frame:application')).toBe(
    'wsgi /x',
  );
  const path = await folder({ 'mini_frame.mjs': `export const application = ${WSGI};`, 'helper.mjs': 'export {};' });
  const port = await portOf(startCommand(['0', 'mini_frame:application', '--dynamic', path]));
  for (const name of ['/helper', '/mini_frame']) expect((await ask(port, get(name))).text).toBe(`wsgi ${name}`);
});

test('the option adapter takes precedence over the detected one', async () => {
  const raw = { 'app.mjs': "export default (request, response) => response.send(200, {}, 'raw ' + request.path);" };
  expect(await responseOf(raw, 'app.mjs', '--adapter', 'raw')).toBe('raw /x');
  const none = { 'app.mjs': "export default () => new Response('no value');" };
  expect(await responseOf(none, 'app.mjs', '--adapter', 'fetch')).toBe('no value');
  const rest = { 'app.mjs': `export default (...both) => (${WSGI})(...both);` };
  expect(await responseOf(rest, 'app.mjs', '--adapter', 'wsgi')).toBe('wsgi /x');
  expect(await responseOf(raw, 'app.mjs', '--adapter', 'raw', '--offload', '1')).toBe('raw /x');
});

/** Functions that may be raw handlers, WSGI-style applications, or handlers of node:http. */
const ANYTHING: readonly (readonly [string, number])[] = [
  ['() => 1', 0],
  ['(...all) => 1', 0],
  ['(request, response) => response.end()', 2],
  ['async (environ, startResponse) => 1', 2],
  ['function* application(environ, startResponse) {}', 2],
  ['((request, response) => 1).bind(null)', 2],
  ['(request, response, next) => 1', 3],
];

test('an ambiguous function is an error that names the option adapter', async () => {
  const path = await folder();
  for (const [index, [text, count]] of ANYTHING.entries()) {
    const file = join(path, `${index}.mjs`);
    await writeFile(file, `export default ${text}; export const main = ${text};`);
    for (const [reference, name] of [
      [file, 'default'],
      [`${file}:main`, 'main'],
    ]) {
      await expect(loadHandler(reference ?? ''), text).rejects.toMatchObject({
        code: 'ERR_APPLICATION_MODULE',
        message: `the export "${name}" of ${file} is a function of ${count} parameters, whose interface is unknown: choose its interface with --adapter node, wsgi, fetch or raw`,
      });
    }
  }
});

test('an ambiguous function is rejected at the start, also in the pool and as CommonJS', async () => {
  const tree = {
    'app.mjs': 'export default (request, response) => response.end();',
    'app.cjs': `module.exports = ${WSGI};`,
  };
  const sentence = (name: string): string =>
    `the export "default" of ${name} is a function of 2 parameters, whose interface is unknown: choose its interface with --adapter node, wsgi, fetch or raw`;
  expect(await complaintOf(tree, 'app.mjs')).toBe(sentence('app.mjs'));
  expect(await complaintOf(tree, 'app.cjs', '--offload', '1')).toBe(sentence('app.cjs'));
});

test('a class is rejected', async () => {
  const path = await folder({ 'app.mjs': 'export default class App { constructor(options) {} }' });
  await expect(loadHandler(join(path, 'app.mjs'))).rejects.toThrow(/is a class: export an instance/);
});

/** What answers a request of node:http with the name of its maker. */
function answers(name: string): string {
  return `(request, response) => response.end('${name} ' + request.url)`;
}

const NODE_APPLICATIONS: Readonly<Record<string, string>> = {
  Express: `const app = ${answers('Express')}; app.use = () => {}; app.handle = () => {}; export default app;`,
  Koa: `export default { use() {}, callback: () => ${answers('Koa')} };`,
  polka: `export default { use() {}, listen() {}, handler: ${answers('polka')} };`,
  Fastify: `import { createServer } from 'node:http';
    export default { server: createServer(${answers('Fastify')}), inject() {}, listen() {}, async ready() {} };`,
  Nest: `import { createServer } from 'node:http';
    const server = createServer(${answers('Nest')});
    export default { async init() {}, getHttpServer: () => server };`,
  'node:http': `import { createServer } from 'node:http'; export default createServer(${answers('node:http')});`,
  Restify: `import { createServer } from 'node:http';
    export default { listen() {}, server: createServer(${answers('Restify')}) };`,
};

test.each(Object.entries(NODE_APPLICATIONS))('an application of %s is recognised by its shape', async (name, text) => {
  expect(await responseOf({ 'app.mjs': text }, 'app.mjs')).toBe(`${name} /x`);
});

test('an application that is all of a CommonJS module is recognised', async () => {
  const texts = {
    'koa.cjs': `module.exports = { use() {}, callback: () => ${answers('Koa')} };`,
    'server.cjs': `module.exports = require('node:http').createServer(${answers('node:http')});`,
    'fetch.cjs': "module.exports = { fetch: () => new Response('fetch') };",
  };
  const path = await folder(texts);
  for (const name of Object.keys(texts)) expect(await loadHandler(join(path, name)), name).toBeTypeOf('function');
});

test('a bare listener of node:http is named; it cannot be offloaded', async () => {
  const tree = { 'app.mjs': `export default ${answers('bare')};`, 'express.mjs': NODE_APPLICATIONS['Express'] ?? '' };
  expect(await responseOf(tree, 'app.mjs', '--adapter', 'node')).toBe('bare /x');
  const sentence = (file: string): string =>
    `the export "default" of ${file} is written for node:http, whose sockets cannot pass to other threads: leave --offload out`;
  expect(await complaintOf(tree, 'app.mjs', '--adapter', 'node', '--offload', '1')).toBe(sentence('app.mjs'));
  expect(await complaintOf(tree, 'express.mjs', '--offload', '1')).toBe(sentence('express.mjs'));
});

test('TypeScript modules work where Node.js runs them, otherwise the error says why not', async () => {
  const tree = {
    'app.ts': `export const application = ${WSGI.replace('environ', 'environ: any')};`,
  };
  if (Reflect.get(process.features, 'typescript')) {
    expect(await responseOf(tree, 'app.ts')).toBe('wsgi /x');
  } else {
    expect(await complaintOf(tree, 'app.ts')).toBe(
      `app.ts does not load: it is TypeScript, which Node.js ${process.version} cannot run: use 22.18 or later, or compile it first`,
    );
  }
});

const BROKEN: readonly (readonly [string, Tree, string, string])[] = [
  ['a line', { 'app.mjs': '\n\nnull.x;' }, 'app.mjs', "Cannot read properties of null (reading 'x') (app.mjs:3)"],
  ['a syntax error', { 'app.mjs': '\nexport const = 1;' }, 'app.mjs', "Unexpected token '=' (app.mjs:2)"],
  ['one in CommonJS', { 'app.cjs': '\n\n}' }, 'app.cjs', "Unexpected token '}' (app.cjs:3)"],
  [
    'what it imports',
    { 'app.mjs': 'import "./a.mjs";', 'a.mjs': '\nthrow new Error("no")' },
    'app.mjs',
    'no (a.mjs:2)',
  ],
  ['what is no error', { 'app.mjs': 'throw "a text"' }, 'app.mjs', 'a text'],
];

test.each(BROKEN)('the error of a module that throws names its file and line: %s', async (_, tree, name, reason) => {
  expect(await complaintOf(tree, name)).toBe(`${name} does not load: ${reason}`);
});

test('a module that does not load within timeouts.loadMs is rejected', async () => {
  const tree = { 'app.mjs': `await new Promise(() => {}); export const application = ${WSGI};` };
  const reason = 'app.mjs does not load: it has not ended after 150 ms (timeouts.loadMs)';
  expect(await complaintOf(tree, 'app.mjs', '--load-timeout-ms', '150')).toBe(reason);
  expect(await complaintOf(tree, 'app.mjs', '--load-timeout-ms', '150', '--offload', '1')).toBe(reason);
});

test('inherited properties are not exports, and a folder is not a module', async () => {
  const tree = { 'app.cjs': 'module.exports = {};', 'app.mjs': 'export const other = 1;', 'deep/app.mjs': '' };
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect(await complaintOf(tree, `app.cjs:${name}`)).toMatch('app.cjs exports nothing: ');
    expect(await complaintOf(tree, `app.mjs:${name}`)).toBe(
      `app.mjs does not export "${name}", only other: name one, as in MODULE:other`,
    );
  }
  expect(await complaintOf(tree, 'deep')).toBe(
    'deep is a folder: use a JavaScript file in it, as in examples/hello-wsgi.js',
  );
  const path = await folder();
  await symlink('loop', join(path, 'loop'));
  const { exit, stderr } = await run(['0', '--app', join(path, 'loop')]);
  expect(exit).toBe(2);
  expect(stderr).toMatch(/^epoll-server: there is no module [^\n]*loop: use a JavaScript file[^\n]*\n$/);
});

test('a module that exits while loading causes an error line and exit code 2', async () => {
  const path = await folder({ 'app.mjs': 'process.exit(0);' });
  const program = startCommand(['0', '--app', join(path, 'app.mjs')]);
  expect(await program.ended()).toBe(2);
  expect(program.stderr).toBe('epoll-server: the application ended the process (exit code 0) while loading\n');
});
