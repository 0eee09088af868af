// Tests that a replaced release reads nothing, even if its descriptor number is in use again.

import { rename, symlink } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { DirectorySource } from '../../src/files/directory-source.ts';
import { RootDirectory } from '../../src/files/root-directory.ts';
import { createNativeFiles } from '../../src/kernel/files.ts';
import { folder } from '../support/folder.ts';

test('a response in progress of a replaced release reads no folder that reuses its descriptor number', async () => {
  const parent = await folder({ '1/a.txt': '1', '2/a.txt': '2', 'private/a.txt': 'private' });
  await symlink('1', `${parent}/current`);
  const files = createNativeFiles();
  onTestFinished(() => files.destroy());
  let nowMs = 0;
  const context = { files, nowMs: () => nowMs, relieve: () => false };
  const root = new RootDirectory([], `${parent}/current`, {
    ...context,
    sourceOf: (of, release, fd) => new DirectorySource(of, release, fd, context),
    onReplaced: () => {},
    onGone: () => {},
  });
  const old = root.source;
  await symlink('2', `${parent}/next`);
  await rename(`${parent}/next`, `${parent}/current`);
  nowMs += 1_000;
  await root.whenKnown();
  expect(root.source).not.toBe(old);
  // The system gives the lowest numbers first, so one of these files has the number of the old release.
  for (let i = 0; i < 20; i++) files.openRoot(`${parent}/private`);

  expect([old.look('a.txt'), await old.lookLater('a.txt')]).toEqual(['missing', 'missing']);
  expect([old.open('a.txt'), await old.openLater('a.txt')]).toEqual(['missing', 'missing']);
  expect(await old.list('', false, null)).toBe('missing');
  expect(await old.describe('', Buffer.from('a.txt\0'))).toBe('missing');
});
