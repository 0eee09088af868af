// Tests the instruction guard: the comparison of counts, and that its replays run. Counting takes minutes and is not done
// here.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { folder } from '../support/folder.ts';
import { REPOSITORY } from '../support/program.ts';

const run = promisify(execFile);

interface Count {
  readonly name: string;
  readonly instructions: number;
}

interface Comparison {
  readonly rises: readonly string[];
  readonly falls: readonly string[];
  readonly remark: string | null;
}

interface Baseline {
  baselineKey(kind: string, version: string, architecture: string): string;
  readBaselines(file: string): unknown;
  compareCounts(counts: readonly Count[], baseline: Record<string, number> | undefined, key: string): Comparison;
}

// The benchmark is untyped JavaScript: the path is a variable, so that the compiler does not resolve it.
const path: string = '../../bench/baseline.js';
const { baselineKey, compareCounts, readBaselines } = (await import(path)) as Baseline;

const counts = (plaintext: number, file: number) => [
  { name: 'plaintext', instructions: plaintext },
  { name: 'file', instructions: file },
];
const baseline = { plaintext: 4_000, file: 10_000 };

describe('counts compared with a baseline', () => {
  test('may rise and fall by 5 %', () => {
    expect(compareCounts(counts(4_200, 9_500), baseline, 'key')).toEqual({ rises: [], falls: [], remark: null });
  });

  test('fail when they rise by more', () => {
    const { rises, falls } = compareCounts(counts(4_201, 12_000), baseline, 'key');
    expect(rises).toEqual([
      'plaintext: 4,000 -> 4,201 instructions, +5.0 %',
      'file: 10,000 -> 12,000 instructions, +20.0 %',
    ]);
    expect(falls).toEqual([]);
  });

  test('are a reason for a new baseline when they fall by more', () => {
    const { rises, falls, remark } = compareCounts(counts(3_000, 10_000), baseline, 'key');
    expect({ rises, remark }).toEqual({ rises: [], remark: null });
    expect(falls).toEqual(['plaintext: 4,000 -> 3,000 instructions, -25.0 %']);
  });

  test('pass without a baseline, with a remark', () => {
    const key = baselineKey('valgrind', '24.1.2', 'arm64');
    expect(compareCounts(counts(9_999, 9_999), undefined, key)).toEqual({
      rises: [],
      falls: [],
      remark: 'bench/baseline.json has no counts for valgrind, Node.js 24.1, arm64: nothing was compared',
    });
  });

  test('of a new workload are not compared, with a remark', () => {
    expect(compareCounts(counts(4_000, 9_999), { plaintext: 4_000 }, 'key').remark).toBe(
      'not in the baseline, not compared: file',
    );
  });
});

test('a file of baselines may be missing; invalid JSON is an error with its name', async () => {
  const place = await folder({ 'broken.json': '{"valgrind' });
  expect(readBaselines(join(place, 'missing.json'))).toEqual({});
  expect(() => readBaselines(join(place, 'broken.json'))).toThrow(/cannot read .*broken\.json: /);
});

async function guard(args: readonly string[], env: NodeJS.ProcessEnv): Promise<unknown> {
  const running = run(process.execPath, ['bench/guard.js', ...args], { cwd: REPOSITORY, env });
  return running.catch(({ code, stdout, stderr }) => ({ code, stdout, stderr }));
}

test('without a counter the guard names the package to install', async () => {
  expect(await guard([], { ...process.env, PATH: '/nonexistent' })).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^bench:guard: cannot count instructions: .*apt install valgrind\)\n$/),
  });
});

test('the guard rejects unknown flags', async () => {
  const stderr = "Unknown option '--nonsense' (--help shows the options)\n";
  expect(await guard(['--nonsense'], process.env)).toEqual({ code: 2, stdout: '', stderr });
});

test('every workload is replayed with all its heads', async () => {
  const { stdout } = await run(process.execPath, ['bench/replay.js', '320', 'all'], { cwd: REPOSITORY });
  // One more request loads each file; 1,024 is sixteen pipelined requests of each of 64 clients, the minimum.
  expect(stdout.split('\n')).toEqual([
    'plaintext, identical: 320 responses',
    'plaintext, mixed: 320 responses',
    'pipelined, identical: 1024 responses',
    'file, identical: 328 responses',
    'file, mixed: 328 responses',
    'not-modified, identical: 328 responses',
    'not-modified, mixed: 328 responses',
    'wsgi, identical: 320 responses',
    'wsgi, mixed: 320 responses',
    'fetch, identical: 320 responses',
    'fetch, mixed: 320 responses',
    'connection, identical: 320 responses',
    'connection, mixed: 320 responses',
    '',
  ]);
});
