// Tests Python applications behind the command: tutorials' folders as they are, workers that die or hang, and mistakes.

import { cp, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, type Client, connect, get } from '../support/client.ts';
import { oneProcess } from '../support/commands.ts';
import { folder, type Tree } from '../support/folder.ts';
import { type Program, portOf, REPOSITORY, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

const FIXTURES = join(REPOSITORY, 'test/python/fixtures');

const ONE = ['--python-workers', '1'];

async function fixture(name: string, tree: Tree = {}): Promise<string> {
  const path = await folder(tree);
  await cp(join(FIXTURES, name), path, { recursive: true });
  return path;
}

function start(cwd: string, ...args: readonly string[]): Program {
  return startCommand(['0', ...args, ...ONE], { cwd });
}

/** The lines on standard error, without those of one start. */
function app(body: string, extra = ''): string {
  const lines = body.split('\n').map((line) => `    ${line}`);
  return `import os, time\n${extra}\ndef application(environ, start_response):\n${lines.join('\n')}\n`;
}

const PID = "start_response('200 OK', [])\nreturn [str(os.getpid()).encode()]";

test('a folder of pages runs as it is: static files, and Python files by their URL', async () => {
  const path = await fixture('pages', {
    'dynamic/clock.mjs': 'export const application = (e, s) => (s("200 OK", []), "JavaScript");',
    'dynamic/time.mjs': 'export const application = (e, s) => (s("200 OK", []), "hidden");',
  });
  // The file of the tutorials is found by its name.
  const program = start(path, '--dynamic-suffix', '.py');
  const port = await portOf(program);
  const text = async (target: string): Promise<string> => (await ask(port, get(target))).text;
  expect(await text('/')).toContain('静态页面');
  expect(Math.abs(Number(await text('/time.py')) - Date.now() / 1000)).toBeLessThan(600);
  expect(await text('/hello.py')).toContain('你好，世界');
  expect(await text('/count.py')).toBe('第0行\n第1行\n第2行\n');
  expect(await text('/clock.py')).toBe('JavaScript');
  const chinese = await ask(port, get('/gb.py'));
  expect(chinese.field('content-type')).toBe('text/html; charset=gb2312');
  expect(new TextDecoder('gb2312').decode(chinese.content)).toBe('你好，简体中文');
  expect((await ask(port, get('/none.py'))).status).toBe(404);
  expect((await ask(port, get('/dynamic/time.py'))).status).toBe(404);
  // A changed file is loaded again.
  const file = join(path, 'dynamic/time.py');
  await writeFile(file, (await readFile(file, 'utf8')).replace('time.time()', "'changed'"));
  expect(await text('/time.py')).toBe('changed');
  expect(program.stderr).toBe('');
});

test('a framework in the dynamic folder runs as it is, by the file of the tutorials', async () => {
  const path = await fixture('framework');
  const lenient = start(path, 'mini_frame:application', '--config', 'web_server.conf');
  const strict = start(path, 'mini_fram_wsgi:application');
  for (const program of [lenient, strict]) {
    const port = await portOf(program);
    expect((await ask(port, get('/index.py'))).text).toContain('<td>股票</td>');
    expect((await ask(port, get('/center.py'))).text).toBe('个人中心');
    expect((await ask(port, get('/none.py'))).text).toContain('没有这一页');
    expect((await ask(port, get('/site.css'))).field('content-type')).toBe('text/css; charset=utf-8');
    expect((await ask(port, get('/mini_frame.py'))).text).not.toContain('import');
    expect(program.stderr).toBe('');
  }
});

test('an application beside the dynamic folder may return text, as in the tutorials; another one may not', async () => {
  const files = { 'app.py': app("start_response('200 OK', [])\nreturn ['文', 1]"), 'dynamic/page.py': '' };
  const path = await folder(files);
  const beside = await portOf(start(path, 'app:application', '--dynamic', 'dynamic'));
  expect((await ask(beside, get('/'))).text).toBe('文1');
  const alone = await portOf(start(path, 'app:application'));
  expect((await ask(alone, get('/'))).status).toBe(500);
});

test('an application gets the request, and all workers of a server share its Python workers', async () => {
  const body = `
start_response('200 OK', [('X-Kept', 'yes')])
content = environ['wsgi.input'].read()
names = ['REQUEST_METHOD', 'PATH_INFO', 'QUERY_STRING', 'HTTP_X_TEXT', 'wsgi.url_scheme', 'wsgi.multiprocess']
return [repr([str(os.getpid()), *(environ[name] for name in names), len(content)]).encode()]`;
  const path = await folder({ 'mysite/__init__.py': '', 'mysite/wsgi.py': app(body.trim()) });
  const program = start(path, '--app', '/api=mysite.wsgi:application', '--app', 'mysite/wsgi.py', '--workers', '2');
  const port = await portOf(program);
  const seen = new Set<string>();
  for (let at = 0; at < 6; at++) {
    const client = await connect(port);
    const fields = `Host: a\r\nX-Text: ${at}\r\nContent-Length: 100000\r\n`;
    const response = await client
      .send(`POST /p%20q?r=s HTTP/1.1\r\n${fields}\r\n${'x'.repeat(100_000)}`)
      .readResponse();
    expect(response.field('x-kept')).toBe('yes');
    expect(response.text).toMatch(new RegExp(`, 'POST', '/p q', 'r=s', '${at}', 'http', False, 100000\\]$`));
    seen.add(response.text.split(',')[0] ?? '');
  }
  expect(seen.size).toBe(1);
  expect(program.stderr).toBe('');
});

test('a worker that dies costs its client a 502, and one that hangs a 504', async () => {
  const body = `
path = environ['PATH_INFO']
if path == '/die': os._exit(3)
if path == '/hang': time.sleep(600)
${PID}`;
  const path = await folder({ 'app.py': app(body.trim()) });
  const program = start(path, 'app:application', '--handler-timeout-ms', '1000');
  const port = await portOf(program);
  const first = (await ask(port, get('/'))).text;
  expect((await ask(port, 'POST /die HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')).status).toBe(502);
  let second = '';
  const isReplaced = async (): Promise<boolean> => {
    const answer = await ask(port, get('/'));
    second = answer.text;
    return answer.status === 200 && second !== first;
  };
  await until(isReplaced, 'another worker answers');
  expect((await ask(port, get('/hang'))).status).toBe(504);
  await until(async () => (await ask(port, get('/'))).status === 200, 'another worker answers');
  expect(program.stderr).toContain(`python worker ${first} ended unexpectedly (exit code 3); a new one replaces it`);
  expect(program.stderr).toContain(`python worker ${second} has not answered for 1000 ms: it is killed`);
  expect(program.stderr).toMatch(/python worker \d+: {3}File ".*app\.py", line \d+ in application/);
});

test('--watch and SIGHUP load the application again, and a mistake leaves the old one in service', async () => {
  const path = await folder({ 'app.py': app("start_response('200 OK', [])\nreturn [b'one']") });
  const file = join(path, 'app.py');
  const program = start(path, 'app:application', '--watch');
  const port = await portOf(program);
  const text = async (): Promise<string> => (await ask(port, get('/'))).text;
  expect(await text()).toBe('one');
  await writeFile(file, 'this is no Python\n');
  await until(() => program.stderr.includes('stays in service'), 'the mistake is reported');
  expect(program.stderr).toMatch(/app\.py does not load: SyntaxError: .*/);
  expect(await text()).toBe('one');
  await writeFile(file, app("start_response('200 OK', [])\nreturn [b'three']"));
  await utimes(file, 5, 5);
  await until(async () => (await text()) === 'three', 'the change is served');
});

test('a file of the application is sent by the server, also when the application removes it at once', async () => {
  const body = `
import tempfile
file = tempfile.NamedTemporaryFile(suffix=' 你;.bin')
file.write(b'0123456789' * 100000)
file.seek(10)
start_response('200 OK', [('Content-Type', 'text/plain')])
return environ['wsgi.file_wrapper'](file)`;
  const path = await folder({ 'app.py': app(body.trim()) });
  const program = start(path, 'app:application');
  const port = await portOf(program);
  const response = await ask(port, get('/'));
  expect([response.status, response.field('content-length'), response.content.length]).toEqual([
    200,
    '999990',
    999_990,
  ]);
  expect(response.field('x-epoll-server-sendfile')).toBeUndefined();
  expect(program.stderr).toBe('');
});

test('at the end requests under way are answered, and no Python process stays', async () => {
  const body = `
print('asked')
while not os.path.exists('go'): time.sleep(0.01)
${PID}`;
  const path = await folder({ 'app.py': app(body.trim()) });
  const program = start(path, 'app:application');
  const port = await portOf(program);
  const client = await connect(port);
  client.send(get('/'));
  await until(() => program.stderr.includes('asked'), 'the application runs');
  program.signal('SIGTERM');
  await writeFile(join(path, 'go'), '');
  const pid = Number((await client.readResponse()).text);
  expect(await program.ended()).toBe(0);
  await until(() => !isAlive(pid), 'the worker has ended');
});

test.each([[[]], [['--workers', '1']]])('a hung worker does not delay the end: %j', async (flags) => {
  const body = "print('asked')\ntime.sleep(600)";
  const path = await folder({ 'app.py': app(body) });
  const startHanging = async (shutdownMs: number): Promise<[Program, Client]> => {
    const limits = ['--shutdown-timeout-ms', String(shutdownMs), '--shutdown-grace-ms', '0'];
    const program = start(path, 'app:application', ...limits, ...flags);
    const client = await connect(await portOf(program));
    client.send(get('/'));
    await until(() => program.stderr.includes('asked'), 'the application hangs');
    return [program, client];
  };
  const [[quick], [slow, slowClient]] = [await startHanging(100), await startHanging(3_000)];
  for (const program of [slow, quick]) program.signal('SIGTERM');
  await slowClient.closed();
  expect(quick.exit).toBe(1);
  expect(await slow.ended()).toBe(1);
});

test.each([
  ['sleeps', 'time.sleep(600)'],
  ['loops', 'while True: pass'],
  ['is in C code that keeps the lock of the interpreter', '__import__("ctypes").PyDLL(None).sleep(600)'],
])('a Python worker ends with its server, even while it %s', async (_how, hang) => {
  const body = `if environ['PATH_INFO'] == '/hang':\n  print('asked')\n  ${hang}\n${PID}`;
  const program = start(await folder({ 'app.py': app(body) }), 'app:application');
  const port = await portOf(program);
  const pid = Number((await ask(port, get('/'))).text);
  (await connect(port)).send(get('/hang'));
  await until(() => program.stderr.includes('asked'), 'the application hangs');
  expect(isAlive(pid)).toBe(true);
  program.signal('SIGKILL');
  await until(() => !isAlive(pid), 'the worker has ended');
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const run = oneProcess();

test('mistakes are one message, with exit code 2', async () => {
  const tree = {
    'app.py': app(PID),
    'broken.py': 'import nothing_there',
    'number.py': 'application = 5',
    'my-app.py': '',
    'other.py': 'def other(environ, start_response): pass',
    'app.mjs': 'export const application = (e, s) => (s("200 OK", []), "JavaScript");',
    'html/index.html': '',
  };
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ['broken:application'],
      /broken\.py does not load: ModuleNotFoundError: No module named 'nothing_there' \(.*:1\)$/,
    ],
    [['number'], /number\.py is no application: application is of the type int, which is not callable$/],
    [['other:wanted'], /other\.py has no wanted; its callables are other: name one, as in MODULE:other$/],
    [['my-app.py'], /my-app\.py has no name that Python can import: use letters, digits and underscores$/],
    [['none.py'], /there is no module .*none\.py/],
    [
      ['app.py', '--python', '/nowhere/python'],
      /there is no \/nowhere\/python\. Install Python 3\.8 or later, or name it with --python PROGRAM$/,
    ],
    [['app.py', '--adapter', 'wsgi'], /adapter is for applications in JavaScript, and this one is in Python/],
    [['app.py', '--offload', '2'], /offload is for applications in JavaScript: use python-workers/],
    [
      ['./html', '--python-threads', '2'],
      /python-threads and python are for applications in Python, and there is none/,
    ],
    [
      ['app', '--python-threads', '2'],
      /there is none: app is both .*app\.mjs and .*app\.py: the JavaScript one is taken\. For the other one write .*app\.py;/,
    ],
    [
      ['app.py', '--python-workers', '0'],
      /--python-workers must be a whole number of processes from 1 to 256, not "0"/,
    ],
  ];
  const cwd = await folder(tree);
  for (const [args, message] of cases) {
    const { exit, stderr, stdout } = await run(['0', ...args], { cwd });
    expect([exit, stdout], stderr).toEqual([2, '']);
    expect(stderr.trimEnd()).toMatch(message);
  }
  const nowhere = startCommand(['0', 'app.py'], { cwd, env: { TMPDIR: '/nowhere' } });
  expect(await nowhere.ended()).toBe(1);
  expect(nowhere.stderr).toMatch(
    /^epoll-server: cannot make a folder for Python workers: ENOENT: .*\/nowhere\/.*\. TMPDIR names another place\n$/,
  );
  const blocking = startCommand(['0', 'app.py', '--model', 'iterative'], { cwd });
  expect(await blocking.ended()).toBe(2);
  expect(blocking.stderr).toContain('the model iterative does not run Python applications: use epoll');
});

test('of a module in both languages JavaScript is taken, and the notice says how to choose', async () => {
  const path = await folder({
    'app.py': app(PID),
    'app.mjs': 'export const application = (e, s) => (s("200 OK", []), "JavaScript");',
  });
  const program = startCommand(['0', 'app:application'], { cwd: path });
  expect((await ask(await portOf(program), get('/'))).text).toBe('JavaScript');
  expect(program.stderr).toBe(
    `epoll-server: app:application is both ${path}/app.mjs and ${path}/app.py: the JavaScript one is taken. For the other one write ${path}/app.py:application\n`,
  );
  const other = start(path, 'app.py:application');
  expect((await ask(await portOf(other), get('/'))).text).toMatch(/^\d+$/);
});
