// Tests `epoll-server/testing` as the README shows it.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('the example prints the same every time', () => {
  const run = (): string => execFileSync(process.execPath, ['examples/simulated.js'], { encoding: 'utf8' });
  expect(run()).toMatch(/^slow: (\d+) bytes, half-closed: \1 bytes, gone: 1\n$/);
  expect(run()).toBe(run());
});
