// Tests that the checks of the fuzz run can fail: each planted fault of a server is found by its check. And that a seed
// determines the bytes.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { REPOSITORY, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const FUZZ = join(REPOSITORY, 'scripts', 'fuzz.js');
const FAULTY = 'test/fuzz/programs/faulty.mjs';
/** Long enough to find each fault. Faults that leave resources behind take ten seconds of waiting. */
const SHORT = ['--seconds', '1', '--connections', '16'];

interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end. (Tests that run at the same time cannot use `startProgram`.) */
async function fuzz(...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [FUZZ, ...args], { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
  await once(child, 'close');
  return { exit: child.exitCode, stdout: await stdout, stderr: await stderr };
}

/** The file that a failed run wrote. */
function replayFileOf(stdout: string): string {
  return /--replay (\S+)$/m.exec(stdout)?.[1] ?? '';
}

const FAULTS: readonly (readonly [string, number, RegExp])[] = [
  ['ends', 2_001, /^FAILED: life of program, seed 2001: the server ended: exit code 3$/m],
  ['complains', 2_002, /^FAILED: errors of .*: unexpected output on standard error: TypeError: x is not a function$/m],
  ['descriptors', 2_003, /^FAILED: descriptors of .*: \d+ sockets are still open$/m],
  ['memory', 2_004, /^FAILED: memory of .*: the process grew by \d+ MiB after the warm-up$/m],
  ['silent', 2_005, /^FAILED: liveness of .*: a well-behaved client: no complete response within 5000 ms/m],
  ['twice', 2_007, /^FAILED: (?:responses|liveness) of .*: a response 200 without a request: \d+ requests were sent$/m],
  ['hasty', 2_009, /^FAILED: (?:responses|liveness) of .*: response 0 is 408, not 200$/m],
  ['framing', 2_008, /^FAILED: (?:responses|liveness) of .*: wrong framing of response \d+/m],
];

describe.concurrent('a server', () => {
  test('without a fault passes', async ({ expect }) => {
    const { exit, stdout } = await fuzz('--program', `${FAULTY} none`, ...SHORT, '--seed', '1');
    expect(stdout).toMatch(/^fuzz: seed 1: 0 failures; 1 servers, \d+ connections/m);
    expect(exit).toBe(0);
  });

  test.each(FAULTS)('that has the fault "%s" fails', async (fault, seed, output) => {
    const program = await fuzz('--program', `${FAULTY} ${fault}`, ...SHORT, '--seed', String(seed));
    expect(program.stdout).toMatch(output);
    expect(program.exit).toBe(1);
    rmSync(replayFileOf(program.stdout));
  });

  test('that has the fault "cost" fails, and the input of a failure can be replayed', async ({ expect }) => {
    const failed = await fuzz('--program', `${FAULTY} cost`, ...SHORT, '--seed', '3001');
    expect(failed.exit).toBe(1);
    expect(failed.stdout).toMatch(
      /^FAILED: cost of .*: \d+ bytes took at least [\d.]+ s of processor time in each of \d+ attempts$/m,
    );
    const file = replayFileOf(failed.stdout);
    const again = await fuzz('--replay', file);
    rmSync(file);
    expect(again.stdout).toMatch(/^program failed in cost: .*\nnow: [\d.]+ s of processor time/);
  });
});

describe('a seed', () => {
  const shown = async (seed: string): Promise<string> => {
    const { stdout } = await fuzz('--show', '25', '--seed', seed, '--models', 'files,fetch');
    return stdout;
  };

  test('determines the bytes', async () => {
    const [once, again, other] = [await shown('7'), await shown('7'), await shown('8')];
    expect(once.split('\n')).toHaveLength(51);
    expect(again).toBe(once);
    expect(other).not.toBe(once);
  });
});

test.each([
  [['--seconds', '0'], '--seconds must be a whole number from 1 to 86400, not "0"'],
  [['--seed', 'x'], '--seed must be a whole number from 0 to 4294967295, not "x"'],
  [['--models', 'files,none'], '--models: unknown server "none": choose from files, wsgi, '],
])('rejects %j in one line', async (args, text) => {
  const { exit, stdout, stderr } = await fuzz(...args);
  expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
  expect(stderr.startsWith(text)).toBe(true);
  expect(stderr.split('\n')).toHaveLength(2);
});

test('a program that does not start is a failure', async () => {
  const { exit, stdout } = await fuzz('--program', 'test/fuzz/programs/none.mjs', '--seed', '4001');
  expect(stdout).toMatch(/^FAILED: life of program, seed 4001: the server did not start: /);
  expect(exit).toBe(1);
  rmSync(replayFileOf(stdout));
});

test('SIGINT ends the run cleanly', async () => {
  const program = startProgram(process.execPath, [FUZZ, '--seconds', '600', '--models', 'raw']);
  await until(() => program.stderr.includes('fuzz: seed'), 'the run has started');
  program.signal('SIGINT');
  expect(await program.ended()).toBe(130);
  expect(program.stdout).toMatch(/^fuzz: seed \d+: interrupted, 0 failures; \d servers/);
});
