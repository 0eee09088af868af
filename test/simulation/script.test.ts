// Tests that the scripts for long runs reject unknown options in one line, without a stack trace.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe.each(['simulate', 'torture', 'fuzz'])('%s', (name) => {
  const run = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [`scripts/${name}.js`, ...args], { cwd: ROOT, encoding: 'utf8' });

  test('an unknown option prints one line and exits with 2', () => {
    const { status, stdout, stderr } = run('--hlep');
    expect([status, stdout, stderr]).toEqual([2, '', "Unknown option '--hlep' (--help shows the options)\n"]);
  });

  test('--help shows the usage', () => {
    const { status, stdout, stderr } = run('--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`\n  npm run ${name} -- `);
  });
});
