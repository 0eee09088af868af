// Tests that threads which share the thread pool of libuv do not disturb each other, however they end.

import { expect, test } from 'vitest';
import { folder } from '../support/folder.ts';
import { Program } from './programs.ts';

test('jobs of several threads end as they should while threads close, are terminated and exit', async () => {
  const program = new Program('pool', [await folder()]);
  expect(JSON.parse(await program.line())).toEqual({ wrong: [], left: 0 });
  expect(await program.ended).toEqual({ code: 0, signal: null });
  expect(program.stderr).toBe('');
});
