// Tests that a log which cannot be written for a while continues with whole lines and the number of lost lines, and that
// neither it nor standard error stops the server.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { COMMAND } from '../support/program.ts';
import { until } from '../support/until.ts';

/** A target that makes a line of 4 KB: 600 of them are more than a log keeps in memory. */
const LONG = `/${'x'.repeat(4_000)}`;
const MANY = 600;

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly output: { stdout: string; stderr: string };
}

/** Starts the command in a shell after `prelude`; waits until it listens. */
async function start(prelude: string, ...args: readonly string[]): Promise<Started> {
  const child = spawn('bash', ['-c', `${prelude} exec node "$@"`, 'bash', COMMAND, '0', ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (text: Buffer) => {
      output[name] += text.toString('utf8');
    });
  }
  const announced = /-server: http:\/\/[^/]*:(\d+)\//;
  await until(() => announced.test(output.stdout), `the server says where it listens; it said ${output.stderr}`);
  return { child, port: Number(announced.exec(output.stdout)?.[1]), output };
}

/** Sends `count` requests on one connection, and waits for the responses. */
async function askFor(port: number, target: string, count: number): Promise<void> {
  const client = await connect(port);
  client.send(get(target).repeat(count));
  for (let i = 0; i < count; i++) await client.readResponse();
  client.destroy();
}

/** Reads a FIFO without blocking. */
class FifoReader {
  text = '';
  #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    onTestFinished(() => this.close());
  }

  /** All available text. */
  read(): string {
    const bytes = Buffer.alloc(65_536);
    try {
      for (let count = 1; count > 0; this.text += bytes.toString('utf8', 0, count)) {
        count = readSync(this.#fd, bytes);
      }
    } catch {
      // EAGAIN: it is empty.
    }
    return this.text;
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

async function fifo(): Promise<string> {
  const path = join(await folder(), 'log');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  return path;
}

function lostIn(text: string): number {
  return [...text.matchAll(/(\d+) lines? lost/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

const LINE = /^127\.0\.0\.1 - - \[[^\]]+\] "GET \S+ HTTP\/1\.1" 404 \d+$/;
const NOTICE = /^# \[[^\]]+\] epoll-server: \d+ lines? lost$/;

test('after a FIFO was full, logging continues, and the lost lines are counted', async () => {
  const path = await fifo();
  const reader = new FifoReader(path);
  const { port, output } = await start('', await folder(), '--access-log', path);
  await askFor(port, LONG, MANY);
  await until(() => output.stderr.includes('retrying each second: EAGAIN'), 'the failure is reported');
  await until(() => reader.read().includes(' lost\n'), 'the log has the number of lost lines');
  await askFor(port, '/later', 1);
  await until(() => reader.read().includes('/later'), 'the log continues');
  const lines = reader.text.trimEnd().split('\n');
  expect(lines.filter((line) => !LINE.test(line) && !NOTICE.test(line))).toEqual([]);
  expect(lines.filter((line) => LINE.test(line)).length + lostIn(reader.text)).toBe(MANY + 1);
  expect(lostIn(reader.text)).toBeGreaterThan(0);
  await until(() => output.stderr.includes('can be written again'), 'the end of the failure is reported');
  expect(output.stderr.trim().split('\n')).toHaveLength(2);
  expect(lostIn(output.stderr)).toBe(lostIn(reader.text));
});

test('after a FIFO lost its reader, logging continues for the next one', async () => {
  const path = await fifo();
  const first = new FifoReader(path);
  const { port, output } = await start('', await folder(), '--access-log', path);
  await askFor(port, '/first', 1);
  await until(() => first.read().includes('/first'), 'the first reader has the line');
  first.close();
  await askFor(port, '/between', 1);
  await until(() => output.stderr.includes('EPIPE'), 'the failure is reported');
  const second = new FifoReader(path);
  await askFor(port, '/second', 1);
  await until(() => second.read().includes('/second'), 'the second reader has the line');
  expect(second.text.match(/\/between|\/second/g)).toEqual(['/between', '/second']);
});

test('a line cut by the size limit of a file is complete in the next one', async () => {
  const root = await folder();
  const [path, old] = [join(root, 'log'), join(root, 'old')];
  // Blocks of 1,024 bytes: write(2) takes what fits, then fails with EFBIG.
  const { port, output } = await start('ulimit -f 2;', await folder(), '--access-log', path);
  await askFor(port, '/number', 40);
  await until(() => output.stderr.includes('EFBIG'), 'the failure is reported');
  expect(statSync(path).size).toBe(2_048);
  await rename(path, old);
  await until(() => output.stderr.includes('can be written again: 0 lines lost'), 'the end of the failure is reported');
  await until(() => readFileSync(path, 'latin1').split('\n').length > 40 - 2_048 / 50, 'the rest is written');
  const whole = readFileSync(old, 'latin1').split('\n').slice(0, -1);
  const lines = [...whole, ...readFileSync(path, 'latin1').trimEnd().split('\n')];
  expect(lines.filter((line) => !LINE.test(line))).toEqual([]);
  expect(lines).toHaveLength(40);
});

test('when a disk was full, the notice in a JSON log is a JSON object', async () => {
  const path = join(await folder(), 'log');
  await symlink('/dev/full', path);
  const { port, output } = await start('', await folder(), '--access-log', path, '--log-format', 'json');
  await askFor(port, LONG, MANY);
  await until(() => output.stderr.includes('ENOSPC'), 'the failure is reported');
  await rm(path);
  await until(() => output.stderr.includes('can be written again'), 'a new file is written');
  await askFor(port, '/later', 1);
  await until(() => readFileSync(path, 'utf8').includes('/later'), 'the log continues');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const objects: Record<string, unknown>[] = lines.map((line) => JSON.parse(line));
  const notices = objects.filter(({ lostLines }) => lostLines !== undefined);
  expect(notices).toEqual([
    {
      time: expect.stringMatching(/^\d{4}-/),
      lostLines: lostIn(output.stderr),
      problem: expect.stringContaining('lost'),
    },
  ]);
  expect(objects.length - 1 + lostIn(output.stderr)).toBe(MANY + 1);
});

test('after a log file was moved, logging continues in a new file', async () => {
  const root = await folder();
  const path = join(root, 'log');
  const { port, output } = await start('', await folder(), '--access-log', path);
  await askFor(port, '/first', 1);
  await until(() => readFileSync(path, 'latin1').includes('/first'), 'the first line is written');
  await rename(path, join(root, 'old'));
  await until(async () => {
    await askFor(port, '/second', 1);
    return spawnSync('grep', ['-q', '/second', path]).status === 0;
  }, 'the new file has a line');
  expect(output.stderr).toBe('');
});

test('several processes write whole lines to one FIFO', async () => {
  const path = await fifo();
  const reader = new FifoReader(path);
  const { port } = await start('', await folder(), '--access-log', path, '--workers', '2');
  const targets = ['/a', '/b', '/c', '/d'].map((target) => `${target}${'x'.repeat(300)}`);
  await Promise.all(targets.map((target) => askFor(port, target, 200)));
  await until(() => reader.read().split('\n').length > 800, 'all lines are written');
  expect(
    reader.text
      .trimEnd()
      .split('\n')
      .filter((line) => !LINE.test(line)),
  ).toEqual([]);
});

test('a child that starts while the log has no reader serves its client', async () => {
  const path = await fifo();
  const first = new FifoReader(path);
  const { port } = await start('', await folder(), '--access-log', path, '--model', 'multiprocess');
  await askFor(port, '/first', 1);
  await until(() => first.read().includes('/first'), 'the line of the first process is written');
  first.close();
  const client = await connect(port);
  expect((await client.send(get('/between')).readResponse()).status).toBe(404);
  const second = new FifoReader(path);
  await until(() => second.read().includes('/between'), 'the line of the child is written later');
});

test('without a reader of standard output, the server responds, and reports lost lines at the end', async () => {
  const { child, port, output } = await start('', await folder(), '--access-log', '-');
  child.stdout?.pause();
  await askFor(port, LONG, 2 * MANY);
  await askFor(port, '/later', 1);
  child.kill('SIGTERM');
  await once(child, 'exit');
  expect(child.exitCode).toBe(0);
  expect(output.stderr).toMatch(/standard output could not be flushed: \d+ lines? lost\n$/);
});

test('without a reader of standard error, the server responds, and the trace continues later', async () => {
  const { child, port, output } = await start('', await folder(), '--trace', '--no-access-log');
  child.stderr?.pause();
  await askFor(port, LONG, 2 * MANY);
  child.stderr?.resume();
  await until(() => /^\* \d+ lines? lost$/m.test(output.stderr), 'the trace has the number of lost lines');
  await askFor(port, '/later', 1);
  await until(() => output.stderr.includes('> GET /later '), 'the trace continues');
});

test('error lines without a reader are bounded and counted', async () => {
  const root = await folder({
    'app.mjs': 'export function application(_environ, _start) { throw new Error("e".repeat(8_000)); }',
  });
  const { child, port, output } = await start('', join(root, 'app.mjs'), '--no-access-log');
  child.stderr?.pause();
  await askFor(port, '/', MANY);
  child.stderr?.resume();
  await until(() => output.stderr.includes('eee'), 'standard error is read');
  await until(async () => {
    await askFor(port, '/', 1);
    return lostIn(output.stderr.replaceAll('lines for standard error', 'lines')) > 0;
  }, 'the loss is said');
});

test('a closed standard error does not end the server', async () => {
  const program = `import { serve } from ${JSON.stringify(join(COMMAND, '../index.js'))};
    const server = await serve({ port: 0, handler: () => { throw new Error('on purpose'); } });
    console.log('x-server: ' + server.url);`;
  const child = spawn('node', ['--input-type=module', '-e', program]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [text]: Buffer[] = await once(child.stdout, 'data');
  child.stderr.destroy();
  const port = Number(/:(\d+)\//.exec(String(text))?.[1]);
  for (let i = 0; i < 3; i++) await askFor(port, '/', 5);
  expect(child.exitCode).toBeNull();
});
