// Tests the Python workers of a pool: real processes behind a real socket, without a server in front.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { findPythonModule } from '../../src/app/python-module.ts';
import { logLinesTo } from '../../src/log/log-line.ts';
import { optionNamed } from '../../src/options/lookup.ts';
import { checkInterpreter, interpreterFor } from '../../src/python/interpreter.ts';
import { PythonPool, type PythonPoolOptions } from '../../src/python/python-pool.ts';
import { folder } from '../support/folder.ts';
import { until } from '../support/until.ts';
import { request } from './uwsgi.ts';

let lines: string[] = [];

beforeEach(() => {
  lines = [];
  logLinesTo((line) => lines.push(line));
});

afterEach(() => logLinesTo(null));

const HEAD = "start_response('200 OK', [])";

async function open(source: string, own: Partial<PythonPoolOptions> = {}): Promise<PythonPool & { home: string }> {
  const home = await folder({ 'app.py': source });
  const pool = await PythonPool.open({
    python: 'python3',
    application: ['--module', 'app'],
    folder: home,
    cwd: home,
    threads: 1,
    processes: 1,
    loadTimeoutMs: 60_000,
    owner: {},
    name: 'app',
    backlog: 64,
    hangTimeoutMs: 0,
    limitMs: 10_000,
    ...own,
  });
  onTestFinished(() => pool.close());
  return Object.assign(pool, { home });
}

const PID = `
import os
def application(environ, start_response):
    ${HEAD}
    return [str(os.getpid()).encode()]
`;

async function pidOf(pool: PythonPool): Promise<number> {
  return Number((await request(pool.path)).split('\r\n\r\n')[1]);
}

test('a worker that dies is replaced, and loses nothing that it has not accepted', async () => {
  const pool = await open(PID);
  const first = await pidOf(pool);
  process.kill(first, 'SIGKILL');
  expect(await pidOf(pool)).not.toBe(first);
  expect(lines.join('')).toContain(`python worker ${first} ended unexpectedly (SIGKILL); a new one replaces it`);
});

test('signals for the whole process group are left to the server; SIGTERM ends a worker in order', async () => {
  const pool = await open(PID);
  const first = await pidOf(pool);
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.kill(first, signal);
  expect(await pidOf(pool)).toBe(first);
  process.kill(first, 'SIGTERM');
  await until(() => lines.join('').includes(`python worker ${first} ended unexpectedly (exit code 0)`), 'it has ended');
});

test('a worker ends in order although its application handles or ignores SIGTERM', async () => {
  for (const handler of ['signal.SIG_IGN', 'lambda *_: None']) {
    const pool = await open(`
import atexit, signal
signal.signal(signal.SIGTERM, ${handler})
atexit.register(lambda: print('in order', flush=True))
${PID}`);
    const first = await pidOf(pool);
    await pool.renew('reload');
    await until(() => lines.join('').includes('in order'), 'the first worker ends');
    expect(await pidOf(pool)).not.toBe(first);
    await pool.close();
    expect(lines.filter((line) => line.includes('in order'))).toHaveLength(2);
    // That of a worker that is killed.
    expect(lines.join('')).not.toContain('most recent call first');
    lines = [];
  }
});

test('Python may be a script that starts it', async () => {
  const home = await folder({ python: '#!/bin/sh\npython3 "$@"\n' });
  const script = join(home, 'python');
  await chmod(script, 0o755);
  const pool = await open(PID, { python: script });
  expect(await pidOf(pool)).toBeGreaterThan(0);
  await pool.close();
  expect(lines).toEqual([]);
});

test('a folder and a socket are private, and removed at the end', async () => {
  const pool = await open(PID);
  const { stat } = await import('node:fs/promises');
  expect((await stat(dirname(pool.path))).mode & 0o777).toBe(0o700);
  await pool.close();
  expect(existsSync(dirname(pool.path))).toBe(false);
});

test('the folder of a server that was killed is removed by the next one; one in use or just made is not', async () => {
  const made = async (isListening: boolean): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'epoll-server-python-'));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    const server = createServer().listen(join(path, 'first.sock'));
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    // Node.js removes the name that it knows.
    await rename(join(path, 'first.sock'), join(path, 'python.sock'));
    if (!isListening) server.close();
    return path;
  };
  const [killed, inUse, young] = [await made(false), await made(true), await made(false)];
  for (const path of [killed, inUse]) await utimes(path, 5, 5);
  await open(PID);
  await until(() => !existsSync(killed), 'it is removed');
  await (await open(PID)).close();
  expect([existsSync(join(inUse, 'python.sock')), existsSync(join(young, 'python.sock'))]).toEqual([true, true]);
});

test('an end without time for it kills what hangs at once, and lets the other workers end in order', async () => {
  const source = `
import atexit, os, time
atexit.register(lambda: print('in order', flush=True))
def application(environ, start_response):
    if environ['QUERY_STRING'] == 'hang':
        print('hangs', flush=True)
        time.sleep(600)
    ${HEAD}
    return [b'']
`;
  const endedAfter = async (limitMs?: number): Promise<number> => {
    const pool = await open(source, { processes: 2 });
    request(pool.path, { QUERY_STRING: 'hang' }).catch(() => {});
    await until(() => lines.join('').includes('hangs'), 'it hangs');
    await request(pool.path);
    lines = [];
    const sinceMs = performance.now();
    await pool.close(limitMs);
    expect(lines.join('')).toMatch(/in application/);
    // On a busy machine the grace period may be too short for it.
    if (limitMs === undefined) expect(lines.join('')).toContain('in order');
    return performance.now() - sinceMs;
  };
  expect((await endedAfter(0)) * 2).toBeLessThan(await endedAfter());
});

test('what a worker prints is logged with its name', async () => {
  const pool = await open(`${PID.replace(HEAD, `print('printed \u4f60\u597d'); ${HEAD}`)}`);
  const pid = await pidOf(pool);
  await until(() => lines.some((line) => line.includes('printed')), 'the line is logged');
  expect(lines).toEqual([`python worker ${pid}: printed \u4f60\u597d\n`]);
});

test('a worker that hangs is killed after its traceback, and replaced', async () => {
  const pool = await open(
    `
import os, time
def stuck():
    while True: time.sleep(60)
def application(environ, start_response):
    if environ['QUERY_STRING'] == 'hang': stuck()
    ${HEAD}
    return [str(os.getpid()).encode()]
`,
    { hangTimeoutMs: 1 },
  );
  const first = await pidOf(pool);
  expect(await request(pool.path, { QUERY_STRING: 'hang' }).catch(() => '')).toBe('');
  expect(await pidOf(pool)).not.toBe(first);
  expect(lines.join('')).toContain(`python worker ${first} has not answered for 1 ms: it is killed`);
  expect(lines.join('')).toMatch(/in stuck/);
});

test('a reload replaces the workers; if the application does not load, the old ones stay', async () => {
  const pool = await open(PID);
  const first = await pidOf(pool);
  const file = join(pool.home, 'app.py');
  await writeFile(file, 'import nothing_of_that_name\n');
  await utimes(file, 1, 1);
  await pool.renew('reload');
  expect(await pidOf(pool)).toBe(first);
  expect(lines.join('')).toContain(`app does not load: ModuleNotFoundError`);
  await writeFile(file, PID);
  await utimes(file, 2, 2);
  await pool.renew('reload');
  await until(async () => (await pidOf(pool)) !== first, 'the new worker answers');
});

test('a reload that is given up before it begins replaces no worker', async () => {
  const pool = await open(PID);
  const before = await pidOf(pool);
  await pool.renew('files changed', AbortSignal.abort());
  expect(await pidOf(pool)).toBe(before);
  expect(lines).toEqual([]);
});

test('threads serve requests at the same time, and all workers take from one socket', async () => {
  const source = `
import threading
barrier = threading.Barrier(2)
def application(environ, start_response):
    barrier.wait(60)
    ${HEAD}
    return [repr(environ['wsgi.multithread']).encode()]
`;
  const pool = await open(source, { threads: 2 });
  const both = await Promise.all([request(pool.path), request(pool.path)]);
  for (const text of both) expect(text).toMatch(/True$/);
});

test('the memory that a worker shares with the server has room on the disk before it is used', async () => {
  const source = `
import os
BLOCKS = os.fstat(5).st_blocks
def application(environ, start_response):
    ${HEAD}
    return [str(BLOCKS).encode()]
`;
  // Without room the first request ends the worker (SIGBUS) when the disk is full.
  expect(Number((await request((await open(source)).path)).split('\r\n\r\n')[1])).toBeGreaterThan(0);
});

test('a process that an application forks neither answers nor accepts requests, nor counts', async () => {
  const source = `
import os, sys
def application(environ, start_response):
    counters = os.pread(5, 16, 0)
    child = os.fork()
    if child == 0 and environ['QUERY_STRING'] == 'exit':
        sys.exit(3)
    _, status = os.waitpid(child, 0) if child else (0, 0)
    ${HEAD}
    return [b'%d %d %d' % (os.WEXITSTATUS(status), child > 0, counters == os.pread(5, 16, 0))]
`;
  for (const threads of [1, 2]) {
    const pool = await open(source, { threads });
    expect((await request(pool.path, { QUERY_STRING: 'exit' })).split('\r\n\r\n')[1]).toBe(
      threads === 1 ? '3 1 1' : '0 1 1',
    );
    expect((await request(pool.path)).split('\r\n\r\n')[1]).toBe('0 1 1');
  }
  expect(lines).toEqual([]);
});

test('a worker that dies ends its response, although a process that its application forked lives on', async () => {
  const source = `
import os, time
def application(environ, start_response):
    if os.fork() == 0:
        for _ in range(2_000): os.path.exists('end') or time.sleep(0.05)
    os._exit(1)
`;
  const pool = await open(source);
  expect(await request(pool.path)).toBe('');
  await writeFile(join(pool.home, 'end'), '');
});

test('SIGTERM ends a process that an application forks', async () => {
  const source = `
import os, signal
def application(environ, start_response):
    ready, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(said, b'x')
        while True: signal.pause()
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    ${HEAD}
    return [str(os.WTERMSIG(status)).encode()]
`;
  for (const threads of [1, 2]) {
    const pool = await open(source, { threads });
    expect((await request(pool.path)).split('\r\n\r\n')[1]).toBe('15');
  }
});

test('an application that does not load: the error says why', async () => {
  const python = ['--module', 'app', '--callable', 'wanted'];
  const cases: readonly (readonly [string, RegExp, Partial<PythonPoolOptions>?])[] = [
    ['import nothing_there', /^app does not load: ModuleNotFoundError: .*'nothing_there' \(.*app\.py:1\)$/],
    ['raise SystemExit(0)', /^app does not load: SystemExit: 0/],
    ['import os\nos._exit(0)', /^app ended the worker while loading \(exit code 0\)$/],
    ['def a(): b()\ndef b(): a()\na()', /^app does not load: RecursionError: .* \(.*app\.py:[12]\)$/],
    [`${'\u{1f40d}'.repeat(30_000)} = 1`, /^app does not load: SyntaxError: .* \(.*app\.py:1\)$/],
    ['for i in range(5000): exec(f"def f{i}(e, s): pass")', /^app has no .*; its callables are f0, f1, .*f9: name one/],
    ['application = 5', /^app is no application: application is of the type int, which is not callable$/],
    [
      'def other(e, s): pass',
      /^app has no wanted; its callables are other: name one, as in MODULE:other$/,
      { application: python },
    ],
    ['', /^there is no \/nowhere\/python\. Install/, { python: '/nowhere/python' }],
    ['import time\ntime.sleep(600)', /^app does not load: it has not ended after 300 ms/, { loadTimeoutMs: 300 }],
    ['import os, time\nos.write(4, b"x\\n")\ntime.sleep(600)', /has not ended after 2000 ms/, { loadTimeoutMs: 2_000 }],
  ];
  for (const [source, message, own = {}] of cases) await expect(open(source, own)).rejects.toThrow(message);
  expect(lines.join('')).toMatch(/python worker \d+: {5}import nothing_there/);
});

test('an interpreter that is none, or too old: the error says what is wrong with it', async () => {
  const home = await folder({
    // The worker ends, and the version is asked for by a command that succeeds.
    old: '#!/bin/sh\n[ "$1" = -S ] || exit 1\necho 3.7.9\n',
    silent: '#!/bin/sh\n',
    other: '#!/bin/sh\necho "Lua 5.4"\n',
    failing: '#!/bin/sh\necho "no such command" >&2\nexit 127\n',
    text: 'python',
    'env/pyvenv.cfg': '',
    'folder/bin/python': '',
  });
  for (const name of ['old', 'silent', 'other', 'failing']) await chmod(join(home, name), 0o755);
  await symlink('loop', join(home, 'loop'));
  const cases: readonly (readonly [string, string])[] = [
    ['loop', 'is no Python, or does not work: asked for its version, it ended'],
    ['old', 'is Python 3.7.9, and 3.8 or later is needed'],
    ['silent', 'is no Python: asked for its version, it printed nothing'],
    ['other', 'is no Python: asked for its version, it printed "Lua 5.4"'],
    ['failing', 'asked for its version, it ended (exit code 127): no such command'],
    ['text', 'cannot be executed: it is no program, or this user has no permission'],
    ['folder', `is a folder: name the program in it, such as ${home}/folder/bin/python`],
    ['env/bin/python', 'of a virtual environment leads to no Python: make it again'],
  ];
  for (const [name, message] of cases) {
    const path = join(home, name);
    const error = await checkInterpreter(path).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(`${path} `);
    expect(String(error)).toContain(`${message}`);
    expect(String(error)).toMatch(/\. Install Python 3\.8 or later, or name it with --python PROGRAM$/);
  }
  await expect(checkInterpreter('python-of-no-name')).rejects.toThrow('there is no python-of-no-name in PATH. Install');
  await expect(open('', { python: join(home, 'old') })).rejects.toThrow('old is Python 3.7.9');
});

test('a relative path of Python is one of the folder in which it was named', () => {
  expect(interpreterFor('venv/bin/python', ['/srv'])).toBe(resolve('venv/bin/python'));
  expect(interpreterFor('python3.9', ['/srv'])).toBe('python3.9');
  const { kind } = optionNamed('python');
  expect(kind.rebase?.('venv/bin/python', '/srv/site')).toBe('/srv/site/venv/bin/python');
  expect(kind.rebase?.('python3.9', '/srv/site')).toBe('python3.9');
});

test('a module is found as Python finds it', async () => {
  const home = await folder({
    'single.py': '',
    'site/__init__.py': '',
    'site/wsgi.py': '',
    'space/part.py': '',
    'space.py': '',
    'both/__init__.py': '',
    'both.py': '',
    'not-a-name.py': '',
  });
  const found = (reference: string): readonly string[] | undefined => {
    const module = findPythonModule(reference, [home]);
    return module && [module.folder, module.module, module.callable];
  };
  expect(found('single')).toEqual([home, 'single', '']);
  expect(found('site:app')).toEqual([home, 'site', 'app']);
  expect(found('site.wsgi:a.b')).toEqual([home, 'site.wsgi', 'a.b']);
  expect(found(`${home}/site/wsgi.py:app`)).toEqual([home, 'site.wsgi', 'app']);
  expect(found(`${home}/site/wsgi:app`)).toEqual([home, 'site.wsgi', 'app']);
  expect(found(`${home}/site.wsgi:app`)).toEqual([home, 'site.wsgi', 'app']);
  expect(findPythonModule('both', [home])?.file).toBe(join(home, 'both/__init__.py'));
  expect(findPythonModule('space', [home])?.file).toBe(join(home, 'space.py'));
  expect(found('space.part')).toEqual([home, 'space.part', '']);
  for (const each of ['none', 'site.none', 'not-a-name', `${home}/not-a-name.py`, '', ':app', '..', 'single.app:x']) {
    expect(found(each), each).toBeUndefined();
  }
});
