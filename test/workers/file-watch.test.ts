// Tests that a file watch reports each change of an application's sources once it has started, and no other changes.

import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FileWatch } from '../../src/workers/file-watch.ts';
import { folder, type Tree } from '../support/folder.ts';
import { until } from '../support/until.ts';

interface Watching {
  readonly path: string;
  /** Waits for the next report. */
  noticed(what: string): Promise<void>;
}

async function watchTree(tree: Tree, names: (path: string) => readonly string[] = (path) => [path]): Promise<Watching> {
  const path = await folder(tree);
  return watching(path, names(path));
}

async function watching(path: string, names: readonly string[]): Promise<Watching> {
  let notices = 0;
  let seen = 0;
  const watch = new FileWatch(
    async () => names,
    () => notices++,
  );
  onTestFinished(() => watch.end());
  await watch.begin();
  return {
    path,
    noticed: async (what) => {
      await until(() => notices > seen, what);
      seen = notices;
    },
  };
}

/** The modification time that build tools give to all files. */
const FIXED = new Date('1980-01-01T00:00:00Z');

test('each edit is reported, from the start of the watch', async () => {
  const { path, noticed } = await watchTree({ 'app.mjs': '0', 'lib/deep/part.mjs': '0' });
  for (let i = 1; i <= 3; i++) {
    await writeFile(join(path, 'app.mjs'), `${i}`);
    await noticed(`edit ${i}`);
    await writeFile(join(path, 'lib/deep/part.mjs'), `${i}`);
    await noticed(`edit ${i} of a part`);
  }
});

test('an edit is reported even if modification time and size do not change', async () => {
  const { path, noticed } = await watchTree({ 'app.mjs': '0', 'b.mjs': '0' });
  for (const name of ['app.mjs', 'b.mjs']) await utimes(join(path, name), FIXED, FIXED);
  await noticed('the times');
  await writeFile(join(path, 'app.mjs'), '1');
  await utimes(join(path, 'app.mjs'), FIXED, FIXED);
  await noticed('an edit in place');
  for (let i = 0; i < 2; i++) {
    const next = join(path, '.b.mjs.tmp');
    await writeFile(next, `${i + 1}`);
    // Reading a file, as browsers and compilers do, is not a change.
    await utimes(next, new Date(), FIXED);
    await rename(next, join(path, 'b.mjs'));
    await noticed('a file in its place');
  }
});

test('deleting and recreating a file or a folder is reported', async () => {
  const { path, noticed } = await watchTree({ 'app.mjs': '0', 'lib/part.mjs': '0' });
  await rm(join(path, 'app.mjs'));
  await noticed('a file is gone');
  await writeFile(join(path, 'app.mjs'), '1');
  await noticed('it is back');
  await writeFile(join(path, 'app.mjs'), '2');
  await noticed('it is watched');
  await rm(join(path, 'lib'), { recursive: true });
  await noticed('a folder is gone');
  await mkdir(join(path, 'lib'));
  await writeFile(join(path, 'lib/part.mjs'), '1');
  await noticed('it is back');
});

test('changes behind links to files and folders, and of links themselves, are reported', async () => {
  const path = await folder({
    'releases/1/app/app.mjs': '1',
    'releases/2/app/app.mjs': '2',
    'parts/a/part.mjs': 'a',
    'parts/b/part.mjs': 'b',
  });
  const link = async (target: string, name: string): Promise<void> => {
    await symlink(target, join(path, 'next'));
    await rename(join(path, 'next'), join(path, name));
  };
  for (const release of ['1', '2']) {
    await link('../../../parts/a', `releases/${release}/app/parts`);
    await link('../../../parts/a/part.mjs', `releases/${release}/app/linked.mjs`);
  }
  await link('releases/1', 'newest');
  await link('newest', 'current');
  const { noticed } = await watching(path, [join(path, 'current/app'), join(path, 'current/app/app.mjs')]);
  await link('../../../parts/b/part.mjs', 'releases/1/app/linked.mjs');
  await noticed('the link of a file');
  await link('../../../parts/b', 'releases/1/app/parts');
  await noticed('the link of a folder');
  await writeFile(join(path, 'parts/b/part.mjs'), 'c');
  await noticed('what it leads to now');
  await link('releases/2', 'newest');
  await noticed('the link behind a link');
  await writeFile(join(path, 'releases/2/app/app.mjs'), '3');
  await noticed('what both lead to now');
  await link('releases/1', 'current');
  await noticed('the first link');
  await writeFile(join(path, 'releases/1/app/app.mjs'), '4');
  await noticed('what it leads to now');
});

test('a watch of one file, such as a config file, does not report its neighbours', async () => {
  const { path, noticed } = await watchTree({ 'site.yaml': 'a', 'other.yaml': 'b' }, (at) => [join(at, 'site.yaml')]);
  let isOver = false;
  const early = noticed('the file itself').then(() => expect(isOver).toBe(true));
  await writeFile(join(path, 'other.yaml'), 'c');
  await mkdir(join(path, 'folder'));
  const { noticed: noticedToo } = await watching(path, [path]);
  await writeFile(join(path, 'third.yaml'), 'c');
  // By now the watch would have reported the others.
  await noticedToo('a later change elsewhere');
  isOver = true;
  await writeFile(join(path, 'new.yaml'), 'd');
  await rename(join(path, 'new.yaml'), join(path, 'site.yaml'));
  await early;
});

test('a link to a folder that contains it is not followed: a warning is written once', async () => {
  const path = await folder({ 'a/b/app.mjs': '0' });
  await symlink('loop', join(path, 'a/loop'));
  await symlink('../..', join(path, 'a/b/up'));
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  onTestFinished(() => write.mockRestore());
  await watching(path, [path]);
  expect(write.mock.calls.map(([text]) => text)).toEqual([
    expect.stringMatching(/^epoll-server: some changes of [^\n]+ will not be detected: ELOOP[^\n]+\/a\/loop'\n$/),
  ]);
});
