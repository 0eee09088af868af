// Tests config files and variables through the command: a mistake is one line and exit code 2, and valid files are served.

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, get } from '../support/client.ts';
import { oneProcess } from '../support/commands.ts';
import { folder, type Tree } from '../support/folder.ts';
import { portOf, startCommand } from '../support/program.ts';

const run = oneProcess();

const APP = "export const application = (environ, start) => (start('200 OK', []), 'app ' + environ.PATH_INFO);";

/** The error line for the file `site.yaml` in a folder with `tree`. */
async function complaintOf(yaml: string, tree: Tree = {}): Promise<string> {
  const path = await folder({ ...tree, 'site.yaml': yaml });
  const { exit, stdout, stderr } = await run(['--config', 'site.yaml'], { cwd: path });
  expect(exit, stderr).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^epoll-server: [^\n]+\n$/);
  return stderr.slice('epoll-server: '.length, -1).replaceAll(`${path}/`, '');
}

/** Mistakes in each part of the settings: a path, a type, a module. */
const WRONG: readonly (readonly [string, RegExp])[] = [
  ['port: "80a"', /^site\.yaml:1: port must be a whole number from 0 to 65535, not "80a"$/],
  ['prot: 80', /^site\.yaml:1: unknown key "prot" \(did you mean "port"\?\)$/],
  ['{ port: ', /^site\.yaml:1: this is not valid YAML: /],
  ['static: &a [*a]', /^site\.yaml:1: \*a refers to a node that contains it: a loop$/],
  ['static: ./none', /^the root none does not exist/],
  ['static: site.yaml', /^the root site\.yaml is not a directory/],
  ['static: {root: 7}', /^site\.yaml:1: static\.root must be a folder, not 7$/],
  ['app: ./none.js', /^there is no module none\.js/],
  ['app: ./throws.mjs', /^throws\.mjs does not load: on purpose \(throws\.mjs:1\)$/],
  ['app: {a: 1}', /^site\.yaml:1: app must be MODULE or MODULE:NAME, not \{"a":1\}$/],
  ['app: ./number.mjs', /^the export "application" of number\.mjs is number, not a function/],
  [
    'app: ./app.mjs\nadapter: node\nthreads: 1',
    /^the export "application" of app\.mjs is written for node:http, whose sockets cannot pass to other threads/,
  ],
  ['adapter: raw\nstatic: .', /^adapter is for the application of all other paths/],
  ['dynamic: ./none', /^the dynamic folder none does not exist/],
  ['dynamic: ./app.mjs', /^the dynamic folder app\.mjs is not a directory/],
  ['dynamic: [a]', /^site\.yaml:1: dynamic must be a folder, not "a"$/],
  ['dynamic: .\ndynamicSuffix: 7', /^site\.yaml:2: dynamicSuffix must be a suffix such as \.py, not 7$/],
  [
    'dynamicSuffix: .py\nstatic: .',
    /dynamic-suffix is for the modules of a dynamic folder, and there is none: add --dynamic/,
  ],
  ['static: .\napp: ./app.mjs', /is served as files and contains the application/],
  ['watch: true\nstatic: .', /^--watch restarts an application/],
  ['watch: please\napp: ./app.mjs', /^site\.yaml:1: watch must be true or false, not "please"$/],
  ['static: {listing: true}\napp: ./app.mjs', /^listing \(site\.yaml:1\) is for files/],
  ['log: {access: 7}', /^site\.yaml:1: log\.access must be a file, "-", "syslog" or false, not 7$/],
];

test.each(WRONG)('%j', async (yaml, line) => {
  const tree = {
    'throws.mjs': 'throw new Error("on purpose");',
    'number.mjs': 'export const application = 7;',
    'app.mjs': APP,
  };
  expect(await complaintOf(yaml, tree)).toMatch(line);
});

test('a model without workers rejects --workers', async () => {
  const path = await folder({ 'site.yaml': 'model: select\nworkers: 2' });
  const program = startCommand(['--config', 'site.yaml'], { cwd: path });
  expect(await program.ended()).toBe(2);
  expect(program.stderr).toMatch(/^epoll-server: the model select does not support --workers[^\n]*\n$/);
});

test('a missing config file, two config files, or an invalid variable is one error line', async () => {
  const path = await folder({ 'epoll-server.config.json': '{}', 'epoll-server.config.yaml': '' });
  for (const [args, env, line] of [
    [['--config', 'none.yaml'], {}, /the config file none\.yaml cannot be read: ENOENT/],
    [['--config', '.'], {}, /the config file \. is not a file/],
    [['--config='], {}, /--config is empty/],
    [[], {}, /remove one, or name one with --config/],
    [
      ['--config', 'epoll-server.config.json'],
      { EPOLL_SERVER_PORT: 'http' },
      /EPOLL_SERVER_PORT must be .* not "http"/,
    ],
  ] as const) {
    const { exit, stderr } = await run(args, { cwd: path, env });
    expect(exit).toBe(2);
    expect(stderr).toMatch(/^epoll-server: [^\n]+\n$/);
    expect(stderr).toMatch(line);
  }
});

test('a config file in the current folder is read, overridden by flags, and never served', async () => {
  const path = await folder({
    'epoll-server.config.yaml':
      'port: 1\nstatic: {root: ., listing: true}\nserverHeader: mine\nlimits: {maxTargetBytes: 50}',
    'page.txt': 'page',
  });
  const program = startCommand(['--port', '0', '--no-listing'], {
    cwd: path,
    env: { EPOLL_SERVER_MAX_TARGET_BYTES: '40' },
  });
  const port = await portOf(program);
  const page = await ask(port, get('/page.txt'));
  expect([page.text, page.field('server')]).toEqual(['page', 'mine']);
  for (const name of ['/epoll-server.config.yaml', '/']) expect((await ask(port, get(name))).status).toBe(404);
  expect((await ask(port, get(`/${'x'.repeat(45)}`))).status).toBe(414);
});

test('with the config file of the tutorials, the dynamic folder handles requests without a file', async () => {
  const path = await folder({
    'web_server.conf': '{\n\t"static_path":"./static",\n\t"dynamic_path":"./dynamic"\n}\n',
    'static/index.html': 'home',
    'dynamic/mini_frame.mjs': APP,
    'dynamic/helper.mjs': 'export const secret = "squirrel";',
  });
  const config = ['--config', join(path, 'web_server.conf')];
  const named = startCommand(['0', 'mini_frame:application', ...config]);
  await writeFile(
    join(path, 'whole.conf'),
    '{\n  # all of it\n  "static_path": "./static", "dynamic_path": "./dynamic", "port":"0",\n  "web_fram_name": "mini_frame", "web_app_name": "application"\n}',
  );
  const whole = startCommand(['--config', join(path, 'whole.conf')]);
  for (const program of [named, whole]) {
    const port = await portOf(program);
    expect((await ask(port, get('/'))).text).toBe('home');
    for (const name of ['/login.py', '/helper', '/mini_frame', '/dynamic/helper.mjs']) {
      expect((await ask(port, get(name))).text).toBe(`app ${name}`);
    }
  }
});

test('--check reports a valid configuration or its first fault, and starts no server', async () => {
  const path = await folder({ 'app.mjs': `setInterval(() => {}, 1000); ${APP}`, 'www/index.html': '' });
  const good = startCommand(['--check', '--port', '1', '--root', 'www', '--app', 'app.mjs'], { cwd: path });
  expect(await good.ended()).toBe(0);
  expect(good.stdout).toBe('epoll-server: the configuration is valid\n');
  const bad = await run(['--check', '--app', 'none.mjs'], { cwd: path });
  expect(bad.exit).toBe(2);
  expect(bad.stderr).toMatch(/^epoll-server: there is no module [^\n]*\n$/);
  const foreign = await run(['--check', '--root', 'www', '--backend', 'iocp'], { cwd: path });
  expect([foreign.exit, foreign.stdout]).toEqual([2, '']);
  expect(foreign.stderr).toMatch(/^epoll-server: the back end "iocp" is not available: choose from [^\n]*\n$/);
});

test('--check looks at the files that a start writes, and at the user of the workers', async () => {
  const path = await folder({ 'www/index.html': '' });
  const good = startCommand(['--check', 'www', '--access-log', 'log', '--pid-file', 'pid'], { cwd: path });
  expect([await good.ended(), good.stderr]).toEqual([0, '']);
  expect(await readdir(path)).toEqual(['www']);
  for (const [flags, message] of [
    [['--access-log', 'none/log'], /^epoll-server: the log cannot be opened: ENOENT[^\n]*'none'\n$/],
    [['--error-log', 'www'], /^epoll-server: the log cannot be opened: EISDIR[^\n]*'www'\n$/],
    [['--pid-file', 'none/pid'], /^epoll-server: the PID file cannot be written: ENOENT[^\n]*'none'\n$/],
    [['--workers', '1', '--user', 'nobody-at-all'], /^epoll-server: --user [^\n]*\n$/],
  ] as const) {
    const bad = await run(['--check', 'www', ...flags], { cwd: path });
    expect(bad.stderr).toMatch(message);
    expect(bad.exit).not.toBe(0);
  }
});

test('--print-config prints the origin of each setting', async () => {
  const path = await folder({ 'site.yaml': '# ports\nport: 9\nstatic: www' });
  await mkdir(join(path, 'www'));
  const args = ['--config', 'site.yaml', '--trace', '--print-config'];
  const program = startCommand(args, { cwd: path, env: { EPOLL_SERVER_HOST: '::1' } });
  expect(await program.ended()).toBe(0);
  for (const line of [/^port: 9 +# site\.yaml:2$/m, /^ {2}root: ".*\/www" +# site\.yaml:3$/m])
    expect(program.stdout).toMatch(line);
  for (const line of [
    /^hostname: "::1" +# EPOLL_SERVER_HOST$/m,
    /^ {2}trace: true +# --trace$/m,
    /^ {2}backlog: 4096 +# default$/m,
  ]) {
    expect(program.stdout).toMatch(line);
  }
});

test.each(['multiprocess', 'multithread'])('children have the settings of the start: --model %s', async (model) => {
  const path = await folder({ 'site.yaml': 'port: 0\nserverHeader: mine\napp: ./app.mjs', 'app.mjs': APP });
  const config = join(path, 'site.yaml');
  const port = await portOf(startCommand(['--config', config, '--model', model]));
  await writeFile(config, 'serverHeader: [');
  const response = await ask(port, get('/x', 'Connection: close'));
  expect([response.text, response.field('server')]).toEqual(['app /x', 'mine']);
});

test('children read the config file too', async () => {
  const path = await folder({
    'site.yaml': `port: 0\napp: ./app.mjs\nworkers: 2\nserverHeader: mine`,
    'app.mjs': APP,
  });
  const program = startCommand(['--config', join(path, 'site.yaml')]);
  const answer = await ask(await portOf(program), get('/x'));
  expect([answer.text, answer.field('server')]).toEqual(['app /x', 'mine']);
});
