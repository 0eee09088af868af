// Tests the command with valid arguments: its start line, serving, logging and shutdown.

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { COMMAND_FLAGS, flagsOf, parseArguments as parseFlags } from '../../src/cli/arguments.ts';
import { COMMAND_OPTIONS, resolveSettings } from '../../src/config/resolve.ts';
import { childrenOf } from '../models/models.ts';
import { BACK_END } from '../support/back-end.ts';
import { ask, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { portOf, REPOSITORY, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

/** An application that prints a line for each request to /slow, and responds once a file beside it exists. */
const SLOW_APP = `
import { existsSync } from 'node:fs';
export async function application(environ, startResponse) {
  startResponse('200 OK', []);
  if (environ.PATH_INFO === '/slow') {
    process.stdout.write('asked\\n');
    while (!existsSync(new URL('./go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return 'from ' + environ.PATH_INFO;
}
export function other(environ, startResponse) { startResponse('200 OK', []); return 'other'; }
export default function fallback(environ, startResponse) { startResponse('200 OK', []); return 'default'; }
`;

test('the start line has the content, address, back end and process id', async () => {
  const root = await folder({ 'index.html': 'home' });
  const program = startCommand(['0', root]);
  const port = await portOf(program);
  expect(program.stdout).toBe(
    `epoll-server: http://127.0.0.1:${port}/ serves ${root} (back end ${BACK_END.name}, pid ${program.pid})\n`,
  );
  expect((await ask(port, get('/'))).text).toBe('home');
  expect(program.stderr).toBe('');
});

test('arguments may be a folder, a port and MODULE:NAME, flags alone, or a module', async () => {
  const root = await folder({
    'index.html': 'home',
    'app.mjs': SLOW_APP,
    'only-default.mjs': 'export default (e, s) => (s("200 OK", []), "default");',
  });
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[root, '--port', '0'], 'home'],
    [['0', `${root}/app.mjs:other`, '--adapter', 'wsgi'], 'other'],
    [['0', `${root}/app.mjs`], 'from /'],
    [['-p', '0', '-a', `${root}/app.mjs:application`], 'from /'],
    [['--port=0', `--root=${root}`, '-H', 'localhost'], 'home'],
    [['0', `${root}/only-default.mjs`, '--adapter', 'wsgi'], 'default'],
  ];
  for (const [args, text] of cases) {
    const program = startCommand(args);
    const port = await portOf(program);
    const host = /\[::1\]/.test(program.stdout) ? '::1' : '127.0.0.1';
    const client = await connect(port, host);
    expect((await client.send(get('/')).readResponse()).text, args.join(' ')).toBe(text);
  }
});

test('with only a port, the command serves the built-in site, which has no broken links', async () => {
  const program = startCommand(['0']);
  const port = await portOf(program);
  const home = await ask(port, get('/'));
  expect(home.status).toBe(200);
  expect((await ask(port, get('/none'))).status).toBe(404);
  const links = [...home.text.matchAll(/(?:href|src)="(?!https?:|#|mailto:)([^"]+)"/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect((await ask(port, get(new URL(link, 'http://a/').pathname))).status, link).toBe(200);
});

test('--quiet prints nothing', async () => {
  const root = await folder();
  const program = startCommand(['0', root, '--quiet', '--access-log', `${root}/log`]);
  await until(async () => (await readFile(`${root}/log`).catch(() => null)) !== null, 'the command has started');
  program.signal('SIGTERM');
  await program.ended();
  expect(program.stdout + program.stderr).toBe('');
});

test('--help lists every flag and every bound with its default', async () => {
  const program = startCommand(['--help']);
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  for (const { name, letter, help } of [...COMMAND_OPTIONS.flatMap(flagsOf), ...COMMAND_FLAGS]) {
    expect(program.stdout).toContain(`--${name}`);
    expect(program.stdout).toContain(help);
    if (letter !== undefined) expect(program.stdout).toContain(`-${letter}, --${name}`);
  }
  expect(program.stdout).toContain('--keep-alive-timeout-ms N');
  expect(program.stdout).toContain('Between two requests of a connection; if exceeded: closed. (default 75000)');
});

test('--version prints the version of the package', async () => {
  const manifest: { version: string } = JSON.parse(await readFile(`${REPOSITORY}/package.json`, 'utf8'));
  const program = startCommand(['--version']);
  expect(await program.ended()).toBe(0);
  expect(program.stdout).toBe(`epoll-server ${manifest.version} (Node.js ${process.version})\n`);
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s lets requests in flight finish, then ends with 0',
  async (signal) => {
    const root = await folder({ 'app.mjs': SLOW_APP });
    const program = startCommand(['0', `${root}/app.mjs`]);
    const port = await portOf(program);
    const client = await connect(port);
    client.send(get('/slow'));
    await program.announced(/^(asked)$/m);
    program.signal(signal);
    await until(
      () =>
        connect(port).then(
          () => false,
          () => true,
        ),
      'no more clients are accepted',
    );
    await writeFile(`${root}/go`, '');
    expect((await client.readResponse()).text).toBe('from /slow');
    expect(await program.ended()).toBe(0);
  },
);

test('SIGUSR1 opens no inspector in the parent or its workers', async () => {
  const program = startCommand(['0', await folder({ 'index.html': 'home' }), '--workers', '1', '--no-access-log']);
  const port = await portOf(program);
  const [child = 0] = childrenOf(program.pid);
  for (const pid of [program.pid, child]) process.kill(pid, 'SIGUSR1');
  expect((await ask(port, get('/'))).text).toBe('home');
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
});

test('a second signal cuts off requests in progress, and the exit code says so', async () => {
  const root = await folder({ 'app.mjs': SLOW_APP });
  const program = startCommand(['0', `${root}/app.mjs`]);
  const port = await portOf(program);
  (await connect(port)).send(get('/slow'));
  await program.announced(/^(asked)$/m);
  program.signal('SIGTERM');
  await until(
    () =>
      connect(port).then(
        () => false,
        () => true,
      ),
    'the first one was heard',
  );
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(1);
  expect(program.stderr).toBe('epoll-server: 1 request cut off at the end\n');
});

test.each([[], ['--workers', '2']])(
  'requests that outlast the shutdown time-out are counted, and the exit code is 1: %j',
  async (...args) => {
    const root = await folder({ 'app.mjs': SLOW_APP });
    const program = startCommand(['0', `${root}/app.mjs`, '--shutdown-timeout-ms', '10', ...args]);
    const port = await portOf(program);
    for (let i = 0; i < 2; i++) (await connect(port)).send(get('/slow'));
    await program.announced(/^(asked)\nasked$/m);
    program.signal('SIGTERM');
    expect(await program.ended()).toBe(1);
    expect(program.stderr).toBe('epoll-server: 2 requests cut off at the end\n');
  },
);

test.each([[], ['--workers', '1'], ['--model', 'iterative']])(
  'with a drain delay SIGTERM goes on accepting, and says that each response is the last: %j',
  async (...args) => {
    const root = await folder({ 'index.html': 'home' });
    const program = startCommand(['0', root, '--drain-delay-ms', '86400000', ...args]);
    const port = await portOf(program);
    program.signal('SIGTERM');
    // A response without the field came before the signal was handled.
    await until(async () => (await ask(port, get('/'))).field('connection') === 'close', 'it drains');
    expect((await ask(port, get('/'))).status).toBe(200);
    program.signal('SIGTERM');
    expect(await program.ended()).toBe(0);
    expect(program.stderr).toBe('');
  },
);

test('--access-log appends to a file, in the requested format', async () => {
  const root = await folder({ 'index.html': 'home', log: 'before\n' });
  const program = startCommand(['0', root, '--access-log', `${root}/log`, '--log-format', 'json']);
  await ask(await portOf(program), get('/?x'));
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  const [before, line = '', end] = (await readFile(`${root}/log`, 'utf8')).split('\n');
  expect([before, end]).toEqual(['before', '']);
  expect(JSON.parse(line)).toMatchObject({ target: '/?x', status: 200, bytes: 4 });
});

test('--access-log - writes to standard output, no flag to none, and --trace to standard error', async () => {
  const root = await folder({ 'index.html': 'home' });
  const [logged, silent, traced] = [['--access-log', '-'], [], ['--trace', '--no-access-log']].map((args) =>
    startCommand(['0', root, ...args]),
  );
  for (const program of [logged, silent, traced]) if (program !== undefined) await ask(await portOf(program), get('/'));
  await until(() => logged?.stdout.split('\n').length === 3, 'the line was written');
  expect(logged?.stdout).toMatch(/\n127\.0\.0\.1 - - \[.*\] "GET \/ HTTP\/1\.1" 200 4\n$/);
  await until(() => traced?.stderr.includes('< HTTP/1.1 200 OK\n') === true, 'the trace was written');
  expect(traced?.stderr).toContain('> GET / HTTP/1.1\n');
  expect(silent?.stdout.split('\n')).toHaveLength(2);
  expect((silent?.stderr ?? '') + (logged?.stderr ?? '')).toBe('');
});

test('limits and the Server field apply to the server', async () => {
  const program = startCommand(['0', await folder(), '--max-target-bytes', '20', '--server-header', 'mine']);
  const port = await portOf(program);
  const answer = await ask(port, get(`/${'x'.repeat(20)}`));
  expect(answer.status).toBe(414);
  expect(answer.field('server')).toBe('mine');
});

test('arguments become settings', () => {
  const parseArguments = (argv: readonly string[]): object => resolveSettings(parseFlags(argv).settings).settings;
  expect(parseArguments([])).toMatchObject({ port: 8080, logFormat: 'common', quiet: false, maxFields: 200 });
  for (const name of ['root', 'app', 'accessLog', 'workers']) expect(parseArguments([])).not.toHaveProperty(name);
  expect(parseArguments(['9000', './x'])).toMatchObject({ port: 9000, root: './x' });
  expect(parseArguments(['9000', 'x.js:app'])).toMatchObject({ port: 9000, app: [{ path: '', module: 'x.js:app' }] });
  expect(parseArguments(['x.mjs'])).toMatchObject({ app: [{ path: '', module: 'x.mjs' }] });
  expect(parseArguments(['7890', 'mini_frame:application'])).toMatchObject({
    port: 7890,
    app: [{ path: '', module: 'mini_frame:application' }],
  });
  expect(parseArguments(['7890', './static', 'a.js'])).toMatchObject({
    root: './static',
    app: [{ path: '', module: 'a.js' }],
  });
  expect(parseArguments(['/a:b', 'c:80'])).toMatchObject({ root: 'c:80' });
  expect(parseArguments(['a.js/b'])).toMatchObject({ root: 'a.js/b' });
  expect(parseArguments(['-p', '1', '-p', '2', '-tq'])).toMatchObject({ port: 2, trace: true, quiet: true });
  expect(parseArguments(['--', '7', '--x'])).toMatchObject({ port: 7, root: '--x' });
  expect(parseArguments(['--max-fields', '7'])).toMatchObject({ maxFields: 7 });
  expect(parseArguments(['--server-header', ''])).toMatchObject({ serverHeader: '' });
  expect(parseArguments(['--listing', '--no-compression'])).toMatchObject({ listing: true, compression: false });
});

test('--error-log takes the lines about faults, of workers too, once the server runs', async () => {
  const root = await folder({ 'app.mjs': 'export const fetch = () => { throw new Error("on purpose"); };' });
  const log = `${root}/errors`;
  const program = startCommand(['0', `${root}/app.mjs`, '--error-log', log, '--workers', '1', '--no-access-log']);
  expect((await ask(await portOf(program), get('/'))).status).toBe(500);
  await until(async () => (await readFile(log, 'utf8')).includes('on purpose'), 'it is logged');
  expect(await readFile(log, 'utf8')).toMatch(
    /^\d{4}-\d\d-\d\dT[\d:.]+Z \[\d+\] handler failed GET \/: Error: on purpose/,
  );
  program.signal('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
});

test.runIf(!existsSync('/dev/log'))('lines that the system log loses are counted on standard error', async () => {
  const logs = ['--error-log', 'syslog', '--access-log', 'syslog'];
  const program = startCommand(['0', await folder(), ...logs]);
  await ask(await portOf(program), get('/'));
  await until(() => program.stderr !== '', 'the loss is reported');
  expect(program.stderr).toMatch(
    /^epoll-server: 1 line for the system log \(\/dev\/log\) lost: sendto failed: [^\n]+\n$/,
  );
});
