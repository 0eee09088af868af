// The benchmark runs and prints figures; how large they are is not looked at.

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

/** Requests per second and requests per CPU-second in a server's line of the table. */
function figuresOf(stdout: string, server: string): readonly number[] {
  const line = stdout.split('\n').find((each) => each.startsWith(`${server}  `)) ?? '';
  const cells = line.split(/ {2,}/).map((cell) => Number(cell.replaceAll(',', '')));
  return [cells[1] ?? Number.NaN, cells[7] ?? Number.NaN];
}

function expectFigures({ code, stdout, stderr }: Outcome): void {
  expect(code, stderr).toBe(0);
  for (const server of ['epoll-server', 'node:http']) {
    for (const figure of figuresOf(stdout, server)) expect(figure, stdout).toBeGreaterThan(0);
  }
  expect(stdout).toMatch(/^ {2}(?:kept {2}|missed) {2}at least 4 times node:http's/m);
}

describe('the benchmark', () => {
  test('prints figures for plaintext', async () => {
    expectFigures(await bench(TINY));
  });

  test('says so and uses autocannon when wrk is missing', async () => {
    const outcome = await bench(TINY, { PATH: '/nonexistent' });
    expectFigures(outcome);
    expect(outcome.stderr).toContain('wrk is not installed');
    expect(outcome.stdout).toContain('autocannon, 1 thread, 64 connections');
  });

  test.each([
    [['--nonsense'], 'there is no flag "--nonsense"'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 100, not "0"'],
    [['--seconds'], '--seconds needs a value'],
    [['--only', 'all'], '--only must be one of plaintext, static, idle, files, not "all"'],
  ])('refuses %j in one line', async (args, text) => {
    expect(await bench(args)).toEqual({ code: 2, stdout: '', stderr: `bench: ${text} (--help lists the flags)\n` });
  });
});

test('the emulated machine says which packages it needs', async () => {
  const { code, stdout, stderr } = await bench([], { ...process.env, PATH: '/nowhere' }, EMULATED);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^bench: qemu-system-x86_64, .* not found: apt-get install .* qemu-system-x86 .*\n$/);
});
