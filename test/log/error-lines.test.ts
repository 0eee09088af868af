// Tests how errors are logged. On a terminal: the message, the frames of the application, one per line, then the causes.
// Elsewhere: one line.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { logError } from '../../src/log/error-log.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { givenRequest } from '../support/given-request.ts';
import { startHandler } from '../support/serving.ts';

const { write, isTTY } = process.stderr;

afterEach(() => {
  process.stderr.write = write;
  process.stderr.isTTY = isTTY;
});

/** The output of `logError`, on a terminal or not. */
function logged(error: unknown, onTerminal = true, target = '/x'): string {
  let text = '';
  process.stderr.write = (piece: string | Uint8Array): boolean => {
    text += String(piece);
    return true;
  };
  process.stderr.isTTY = onTerminal;
  logError(error, givenRequest(target));
  return text;
}

/** The error that `text` names, with frames as V8 writes them: the stack of an error may be set. */
function thrown(error: Error, ...frames: readonly string[]): Error {
  error.stack = `${error.name}: ${error.message}\n${frames.map((frame) => `    at ${frame}`).join('\n')}`;
  return error;
}

const HERE = process.cwd();

const FRAMES = [
  `boom (file://${HERE}/routes/a%20b.js:3:9)`,
  'Array.map (<anonymous>)',
  `async file://${HERE}/app.mjs?retry=1:7:1`,
  `Object.<anonymous> (${HERE}/old app.cjs:1:2)`,
  `${HERE}/bare app.cjs:1:2`,
  'new Thing (/elsewhere/thing.js:5:6)',
  `handle (file://${HERE}/node_modules/framework/index.js:1:1)`,
  `Session.receive (file://${HERE}/dist/parts/core.js:4720:35)`,
  `call (${HERE}/src/http1/exchange.ts:1:1)`,
  'AsyncResource.runInAsyncScope (node:async_hooks:206:9)',
  'async Promise.all (index 0)',
];

test('the message, then the frames of the application, with paths relative to the working folder', () => {
  expect(
    logged(thrown(new TypeError('no such user'), ...FRAMES)),
  ).toBe(`epoll-server: handler failed GET /x: TypeError: no such user
    at boom (routes/a b.js:3:9)
    at async app.mjs:7:1
    at Object.<anonymous> (old app.cjs:1:2)
    at bare app.cjs:1:2
    at new Thing (/elsewhere/thing.js:5:6)
`);
});

test('frames of packages are shown when there are no others', () => {
  const error = thrown(
    new Error('x'),
    `handle (file://${HERE}/node_modules/framework/index.js:1:1)`,
    'f (node:fs:1:1)',
  );
  expect(logged(error).split('\n').slice(1)).toEqual(['    at handle (node_modules/framework/index.js:1:1)', '']);
});

test('a real error has a frame of this file, but none of this package', async () => {
  const { port, errors } = await startHandler(async function failing() {
    throw new Error('on purpose');
  });
  await ask(port, get('/'));
  expect(logged(errors.splice(0)[0])).toMatch(
    /^epoll-server: handler failed GET \/x: Error: on purpose\n {4}at [^\n]*test\/log\/error-lines\.test\.ts:\d+:\d+\)?\n$/,
  );
});

test('causes, and the errors of an AggregateError, each with their frames', () => {
  const cause = thrown(new Error('socket closed'), `send (${HERE}/db.js:1:2)`);
  const middle = thrown(new RangeError('no rows', { cause }), `rows (${HERE}/db.js:3:4)`);
  const first = thrown(new Error('first'), `one (${HERE}/db.js:7:8)`);
  const all = new AggregateError([first, 'second'], 'both failed', { cause: middle });
  expect(
    logged(thrown(all, `all (${HERE}/app.js:5:6)`)),
  ).toBe(`epoll-server: handler failed GET /x: AggregateError: both failed
    at all (app.js:5:6)
  caused by: RangeError: no rows
      at rows (db.js:3:4)
    caused by: Error: socket closed
        at send (db.js:1:2)
  1 of 2: Error: first
      at one (db.js:7:8)
  2 of 2: second
`);
});

test('circular causes end, and endless errors are cut', () => {
  const error = new Error('a');
  error.cause = new Error('b', { cause: error });
  expect(logged(error).match(/caused by/g)).toHaveLength(1);
  const many = new AggregateError(
    Array.from({ length: 1_000 }, (_, i) => new Error(`e${i}`)),
    'many',
  );
  expect(logged(many).match(/of 1000: /g)).toHaveLength(8);
  const long = new Error('x'.repeat(1_000_000), { cause: new Error('y'.repeat(1_000_000)) });
  expect(logged(long).length).toBeLessThan(40_000);
});

test('no thrown value moves the cursor or forges a line', () => {
  const error = new Error('a\x1b[2J\nepoll-server: forged\n    at forged (/app.js:1:1)\rb');
  const text = logged(error);
  expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  expect(text).toContain('Error: a\\x1b[2J\n  epoll-server: forged\n      at forged (/app.js:1:1)\\x0db\n');
  const unreadable = Object.defineProperty(new Error('x'), 'stack', {
    get: () => {
      throw error;
    },
  });
  const cause = { toString: 1 };
  for (const hostile of [Object.create(null), undefined, unreadable, new Error('x', { cause })]) {
    expect(logged(hostile)).toMatch(/^epoll-server: handler failed GET \/x: /);
  }
});

test('outside of a terminal an error is one line, with the whole stack trace', () => {
  const text = logged(thrown(new TypeError('a\nb'), ...FRAMES), false);
  expect(text).toMatch(/^epoll-server: handler failed GET \/x: TypeError: a \| b \| at boom [^\n]*index 0\)\n$/);
});

/** Runs the command on a terminal of its own, requests `path`, and returns the output on the terminal. */
const TERMINAL = `
import os, pty, re, signal, sys, urllib.request
folder, path, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(folder)
    os.execvp(command[0], command)
text = b''
asked = False
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    text += piece
    found = re.search(rb'http://[0-9.]+:[0-9]+/', text)
    if found and not asked:
        asked = True
        try:
            urllib.request.urlopen(found.group().decode() + path)
        except Exception:
            pass
        os.kill(pid, signal.SIGTERM)
sys.stdout.buffer.write(text)
`;

async function terminalOf(text: string, ...flags: readonly string[]): Promise<string> {
  const root = await folder({ 'app.mjs': text });
  const command = [
    process.execPath,
    join(HERE, 'dist', 'epoll-server.js'),
    '0',
    'app.mjs',
    '--no-access-log',
    ...flags,
  ];
  const { stdout } = await promisify(execFile)('python3', ['-c', TERMINAL, root, 'x', ...command]);
  return stdout.replaceAll('\r\n', '\n').replace(/^epoll-server: http:[^\n]*\n/m, '');
}

const FAILING = `
function inner() {
  throw new TypeError('on purpose', { cause: new Error('the reason') });
}
export async function application(environ, startResponse) {
  inner();
}
`;

const LINES = `epoll-server: handler failed GET /x: TypeError: on purpose
    at inner (app.mjs:3:9)
    at application (app.mjs:6:3)
  caused by: Error: the reason
      at inner (app.mjs:3:46)
      at application (app.mjs:6:3)
`;

test.each([[[]], [['--offload', '1']], [['--model', 'multithread']]])('on a terminal, with %j', async (flags) => {
  expect(await terminalOf(FAILING, ...flags)).toContain(LINES);
});

test('on a terminal, the error of a broken module has the frames of its imports', async () => {
  const text = "function load() {\n  throw new Error('no');\n}\nload();\n";
  expect(await terminalOf(text)).toMatch(
    /^epoll-server: [^\n]*app\.mjs does not load: no \([^\n]*app\.mjs:2\)\n {4}at load \(app\.mjs:2:9\)\n {4}at app\.mjs:4:1\n$/,
  );
});
