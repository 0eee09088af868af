// Tests that `npm run messages` lists the texts of the sources, with their file and line.

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('texts of strings and templates are listed, but not module names, types or single words', () => {
  const args = ['scripts/messages.js', 'src/cli/flag-check.ts', 'src/printable.ts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toContainEqual(expect.stringMatching(/^src\/cli\/flag-check\.ts:\d+: \{rawName\} needs a value$/));
  expect(lines).toContainEqual(
    expect.stringMatching(/^src\/printable\.ts:\d+: .*\.\.\. \(\{text\.length\} characters\)$/),
  );
  expect(stdout).not.toMatch(/node:util|ERR_OPTION|boolean/);
});
