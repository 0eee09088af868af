// Tests that a positional argument is a folder or a module by what exists at its path, otherwise by its name.

import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findModule } from '../../src/app/module-file.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { portOf, startCommand } from '../support/program.ts';
import { start } from '../support/serving.ts';

const APP = "export const application = (environ, start) => (start('200 OK', []), 'app');";

/** The settings of the arguments, without the path of the folder. */
function placesOf(path: string, ...argv: readonly string[]): unknown {
  const { settings } = parseArguments(argv.map((each) => each.replace('@', `${path}/`)));
  const entries = [...settings].map(([name, { value }]) => [name, value]);
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)).replaceAll(`${path}/`, '@'));
}

test('an existing folder is a folder, whatever its name', async () => {
  const names = ['reveal.js', 'lib.mts', 'app:main', 'x.js:application', 'a=b', 'localhost:9000', 'epoll', '8080'];
  const path = await folder(Object.fromEntries(names.map((name) => [`${name}/index.html`, name])));
  for (const name of names) {
    expect(placesOf(path, '9000', `@${name}`), name).toEqual({ port: 9000, root: `@${name}` });
  }
  await symlink('reveal.js', join(path, 'current.js'));
  expect(placesOf(path, '@current.js')).toEqual({ root: '@current.js' });
  expect(placesOf(path, '/lib=@reveal.js', '1', '@reveal.js')).toEqual({
    mount: { '/lib': '@reveal.js' },
    port: 1,
    root: '@reveal.js',
  });
  const program = startCommand(['0', 'reveal.js', '/lib=lib.mts'], { cwd: path });
  const port = await portOf(program);
  expect((await ask(port, get('/'))).text).toBe('reveal.js');
  expect((await ask(port, get('/lib/'))).text).toBe('lib.mts');
});

test('a package of Python is an application, unless the folder is named as a root', async () => {
  const path = await folder({ 'site/__init__.py': '', 'pages/index.html': '', 'pages.py': '' });
  expect(placesOf(path, '@site')).toEqual({ app: [{ path: '', module: '@site' }] });
  expect(placesOf(path, '--root', '@site')).toEqual({ root: '@site' });
  expect(placesOf(path, '@pages')).toEqual({ root: '@pages' });
});

test('an existing file is a module if its name is that of one', async () => {
  const path = await folder({
    'app.mjs': APP,
    server: APP,
    'my:site/app.js': APP,
    'page.html': '',
    'v1.2/app.js': APP,
  });
  for (const name of [
    'app.mjs',
    'app.mjs:application',
    'app',
    'server',
    'my:site/app.js',
    'my:site/app.js:x',
    'v1.2/app',
  ]) {
    expect(placesOf(path, `@${name}`), name).toEqual({ app: [{ path: '', module: `@${name}` }] });
  }
  expect(placesOf(path, '@page.html')).toEqual({ root: '@page.html' });
  expect(findModule(`${path}/my:site/app.js`)).toEqual({ file: `${path}/my:site/app.js`, name: '' });
  expect(findModule(`${path}/my:site/app:x`)).toEqual({ file: `${path}/my:site/app.js`, name: 'x' });
});

test('a missing path is classified by its name', async () => {
  const path = await folder();
  expect(placesOf(path, '@none')).toEqual({ root: '@none' });
  expect(placesOf(path, '@none.js')).toEqual({ app: [{ path: '', module: '@none.js' }] });
  expect(placesOf(path, '@none:application')).toEqual({ app: [{ path: '', module: '@none:application' }] });
  expect(placesOf(path, '/a=@none')).toEqual({ mount: { '/a': '@none' } });
  expect(placesOf(path, '@localhost:9000')).toEqual({ root: '@localhost:9000' });
});

test('a folder beside modules is not a module', async () => {
  const dynamic = await folder({ 'clock.js/index.js': APP, 'clock.mjs': APP, 'other.js/index.js': APP });
  await symlink('other.js', join(dynamic, 'linked.js'));
  const { port } = await start({ dynamic });
  expect(await ask(port, get('/clock'))).toMatchObject({ status: 200, text: 'app' });
  for (const name of ['/other', '/linked']) expect((await ask(port, get(name))).status, name).toBe(404);
});
