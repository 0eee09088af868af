// Tests that untrusted text reaches no log or terminal as a control character: fields, targets, paths, error messages, and
// responses of other servers.

import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { logError } from '../../src/log/error-log.ts';
import { clipped, printable, printableJson, printableLine, printableLines } from '../../src/printable.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { COMMAND, type Program, portOf, startCommand, startProgram } from '../support/program.ts';
import { start, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

const ESCAPE = '\x1b[31m';
/** A cursor sequence in C1, DEL, a line separator, and an override of the direction of text. */
const HOSTILE = `${ESCAPE}\x9b2J\x7f\u2028\u202e\u2066`;

/** Characters that must never be in the output. */
const RAW = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const EVERYTHING = Array.from({ length: 0x2_100 }, (_, code) => String.fromCharCode(code)).join('');

test('every control and format character is escaped, every other one stays', () => {
  expect(printable(EVERYTHING)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(printable('a\n\x1b\x9b\x7f\u202e\u{e0001}é')).toBe(String.raw`a\x0a\x1b\x9b\x7f\u{202e}\u{e0001}é`);
  expect(printable('plain Ünicode 🙂 "\\ text')).toBe('plain Ünicode 🙂 "\\ text');
  expect(printableLines(`a\nb${ESCAPE}`)).toBe(String.raw`a${'\n'}b\x1b[31m`);
});

test('JSON means the same when it is printable', () => {
  const value = { [EVERYTHING]: [HOSTILE, '\u{e0001}', EVERYTHING] };
  const json = printableJson(JSON.stringify(value, null, 2));
  expect(json).not.toMatch(RAW);
  expect(JSON.parse(json)).toEqual(value);
});

test('a message of several lines becomes one bounded line, in linear time', () => {
  expect(printableLine('a \n\n\t b\r\nc', ' | ')).toBe('a | b | c');
  expect(clipped('abc', 3)).toBe('abc');
  expect(clipped('abcd', 3)).toBe('abc... (4 characters)');
  expect(printableLine('x'.repeat(1_000_000)).length).toBeLessThan(9_000);
  const cost = (length: number): number => {
    const text = `a${' '.repeat(length)}b`;
    const before = process.cpuUsage();
    for (let i = 0; i < 50; i++) printableLine(text, ' | ');
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  cost(8_000_000);
  expect(cost(8_000_000)).toBeLessThan(16 * Math.max(cost(1_000_000), 1_000));
});

/** The output of `logError`. */
function loggedFor(error: unknown): string {
  let text = '';
  const { write } = process.stderr;
  process.stderr.write = (piece: string | Uint8Array): boolean => {
    text += String(piece);
    return true;
  };
  try {
    logError(error, null);
  } finally {
    process.stderr.write = write;
  }
  return text;
}

test.each([
  ['an error', new Error(HOSTILE)],
  ['text', HOSTILE],
  ['an object without a prototype', Object.create(null)],
  ['an object that is no text', { toString: 1, valueOf: 1 }],
  ['an error whose stack is no text', Object.assign(new Error('x'), { stack: 7 })],
  ['an error whose stack throws', Object.defineProperty(new Error('x'), 'stack', { get: () => BigInt('x') })],
  ['an error whose message is no text', Object.assign(new Error('x'), { stack: undefined, message: { toString: 1 } })],
  ['a long message', new Error('x'.repeat(1_000_000))],
])('%s that was thrown is one printable line', (_, thrown) => {
  const text = loggedFor(thrown);
  expect(text).toMatch(/^epoll-server: handler failed: [^\n]+\n$/);
  expect(text).not.toMatch(RAW);
  expect(text.length).toBeLessThan(10_000);
});

test('a long target leaves room for the thrown error', async () => {
  const root = await folder({
    'app.mjs': 'export function application(_environ, _start) { throw new Error("on purpose"); }',
  });
  const program = startCommand(['0', join(root, 'app.mjs'), '--no-access-log', '--max-target-bytes', '16000']);
  await ask(await portOf(program), get(`/${'x'.repeat(12_000)}`));
  await until(() => program.stderr.includes('\n'), 'the line is logged');
  expect(program.stderr).toContain('on purpose');
});

/** Throws what the client sent. */
const echoing: Handler = async (request) => {
  throw new Error(decodeURIComponent(request.query));
};

test('an error message with text of a client ends no process and forges no line', async () => {
  const { port, errors } = await startHandler(echoing);
  const query = encodeURIComponent(`${HOSTILE}\nepoll-server: forged`);
  expect((await ask(port, get(`/?${query}`))).status).toBe(500);
  const [error] = errors.splice(0);
  const text = loggedFor(error);
  expect(text).not.toMatch(RAW);
  expect(text.trimEnd()).not.toContain('\n');
});

test('a JSON log and a trace escape hostile fields', async () => {
  let [log, trace] = ['', ''];
  const sinks = { access: (text: string) => (log += text), trace: (text: string) => (trace += text) };
  const { port } = await startHandler((_, response) => response.send(200), {
    log: { ...sinks, format: 'json' },
  });
  await ask(port, get('/', 'User-Agent: a\x9b2J\xad\x80b', 'Referer: \x85'));
  await until(() => log.includes('\n'), 'the line is logged');
  expect(log + trace).not.toMatch(RAW);
  expect(JSON.parse(log)).toMatchObject({ userAgent: 'a\x9b2J\xad\x80b', referer: '\x85' });
});

async function saysOnly(program: Program, code: number, ...texts: readonly string[]): Promise<void> {
  expect(await program.ended()).toBe(code);
  for (const text of texts) expect(program.stdout + program.stderr).toContain(text);
  expect(program.stdout + program.stderr).not.toMatch(RAW);
}

const SHOWN = String.raw`\x1b[31m\x9b2J\x7f\u{2028}\u{202e}\u{2066}`;

test('the command escapes file names in its messages', async () => {
  const root = await folder({
    [`${HOSTILE}/index.html`]: 'home',
    'app.mjs': `throw new Error(${JSON.stringify(HOSTILE)});`,
  });
  const odd = join(root, HOSTILE);
  const serving = startCommand(['0', odd]);
  expect((await ask(await portOf(serving), get('/'))).text).toBe('home');
  serving.signal('SIGTERM');
  await saysOnly(serving, 0, SHOWN);
  await saysOnly(startCommand(['0', join(root, `no${HOSTILE}`)]), 2, SHOWN);
  await saysOnly(startCommand(['0', root, '--access-log', join(root, 'none', HOSTILE)]), 1, SHOWN);
  await saysOnly(startCommand(['0', join(root, 'app.mjs')]), 2, SHOWN);
  await saysOnly(startCommand([`--${HOSTILE}`]), 2, SHOWN);
  await saysOnly(startCommand(['0', root, '--server-header', 'a\x9b', '--print-config']), 0, String.raw`\x9b`);
});

test('the command escapes the name of a module that does not load', async () => {
  const dynamic = await folder({ [`a${HOSTILE}.mjs`]: 'throw new Error("on purpose");' });
  const { port, errors } = await start({ dynamic });
  expect((await ask(port, get(`/a${encodeURIComponent(HOSTILE)}`))).status).toBe(500);
  const text = loggedFor(errors.splice(0)[0]);
  expect(text).toContain('on purpose');
  expect(text).not.toMatch(RAW);
});

test('conform escapes responses of the tested server', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => {
      socket.end(
        Buffer.from(
          `HTTP/1.1 200 O\x9bK\r\nServer: x\x9b2J\r\nX: ${ESCAPE}\r\nContent-Length: 2\r\n\r\n\x9b\x1b`,
          'latin1',
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
  for (const format of [[], ['--json'], ['--markdown']]) {
    const args = [COMMAND, 'conform', url, '--only', 'host', '--max-splits', '1', '--timeout-ms', '20000', ...format];
    const program = startProgram(process.execPath, args);
    await saysOnly(program, 1, format[0] === '--json' ? String.raw`\u009b2J` : String.raw`\x9b2J`);
  }
});
