// Tests that the benchmark runs and prints figures; their size is not checked.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';

const BENCH = fileURLToPath(new URL('../../bench/bench.js', import.meta.url));
const EMULATED = fileURLToPath(new URL('../../bench/emulated.js', import.meta.url));
const TINY = ['--quick', '--seconds', '0.1', '--rounds', '1', '--only', 'plaintext'];

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function bench(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  program: string = BENCH,
): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGTERM');
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString('utf8');
  });
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString('utf8');
  });
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** Processor time and requests per second in the line of a server, each with identical and with mixed heads. */
function figuresOf(stdout: string, server: string): readonly number[] {
  const line = stdout.split('\n').find((each) => each.startsWith(`${server} `)) ?? '';
  const cells = line.split(/ {2,}/).map((cell) => cell.split(' | '));
  return [cells[2], cells[4]].flatMap((pair) => (pair ?? ['']).map((figure) => Number(figure.replaceAll(',', ''))));
}

function expectFigures({ code, stdout, stderr }: Outcome, ...servers: readonly string[]): void {
  expect(code, stderr).toBe(0);
  for (const server of servers) {
    const figures = figuresOf(stdout, server);
    expect(figures, stdout).toHaveLength(4);
    for (const figure of figures) expect(figure, stdout).toBeGreaterThanOrEqual(0);
    for (const perSecond of figures.slice(2)) expect(perSecond, stdout).toBeGreaterThan(0);
  }
  expect(stdout).toContain('plaintext, identical | mixed');
  expect(stdout).toMatch(/^ {2}(?:met {3}|missed) {2}exactly one recv and one send per request: \S+ \| \S+ and/m);
}

describe('the benchmark', () => {
  test('prints figures for plaintext with identical and with mixed heads', async () => {
    const outcome = await bench(TINY);
    expectFigures(outcome, 'epoll-server', 'C floor', 'node:http');
    expect(outcome.stdout).toMatch(/^ {2}(?:met {3}|missed) {2}at least 4 times node:http's/m);
  });

  test('uses autocannon when wrk is missing, with a warning', async () => {
    const outcome = await bench([...TINY, '--server', 'epoll-server'], { PATH: '/nonexistent' });
    expectFigures(outcome, 'epoll-server');
    expect(outcome.stderr).toContain('wrk is not installed');
    expect(outcome.stderr).toContain('skipping the C floor');
    expect(outcome.stdout).toContain('autocannon, 8 clients of 8 connections');
  });

  test.each([
    [['--nonsense'], 'unknown flag "--nonsense"'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 100, not "0"'],
    [['--seconds'], '--seconds needs a value'],
    [['--only', 'all'], '--only must be one of plaintext, static, idle, files, not "all"'],
    [['--server', 'x'], '--server must be one of epoll-server, C floor, nginx, node:http, not "x"'],
  ])('rejects %j in one line', async (args, text) => {
    expect(await bench(args)).toEqual({ code: 2, stdout: '', stderr: `bench: ${text} (--help lists the flags)\n` });
  });
});

test('the emulated machine lists the packages that it needs', async () => {
  const { code, stdout, stderr } = await bench([], { ...process.env, PATH: '/nowhere' }, EMULATED);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^bench: qemu-system-x86_64, .* not found: apt-get install .* qemu-system-x86 .*\n$/);
});
