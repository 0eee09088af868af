// Proves that a copy in huge pages is only of a file that nobody wrote to meanwhile, and is closed with its last owner.

import { writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import type { OpenFile } from '../../src/handlers/files/file-source.ts';
import { WorkPool } from '../../src/handlers/files/work-pool.ts';
import { createNativeFiles } from '../../src/kernel/files.ts';
import { DirectoryFile } from '../../src/server/directory-file.ts';
import { folder } from '../support/folder.ts';
import { HAS_HUGE_PAGES } from '../support/huge-pages.ts';

/** An open file of this machine, and what happens to it while it is copied. */
async function opened(whileCopied: (path: string) => void): Promise<{ file: OpenFile; closed: number[] }> {
  const root = await folder({ 'big.bin': Buffer.alloc(1_048_576, 'x') });
  const native = createNativeFiles();
  onTestFinished(() => native.destroy());
  const closed: number[] = [];
  const files = {
    ...native,
    close: (fd: number): number => {
      closed.push(fd);
      return native.close(fd);
    },
    copyLater: (fd: number, size: number, done: (result: number) => void): number =>
      native.copyLater(fd, size, (result) => {
        whileCopied(`${root}/big.bin`);
        done(result);
      }),
  };
  const descriptor = files.open(files.openRoot(root), 'big.bin');
  const context = { files, pool: new WorkPool(), nowMs: () => performance.now(), relieve: () => false };
  return { file: new DirectoryFile(context, descriptor), closed };
}

test('a copy is closed, and says so, with its last owner', async () => {
  const { file, closed } = await opened(() => {});
  let told = 0;
  const copy = await file.inHugePages(() => told++);
  expect(copy !== null, 'a copy is made where there are huge pages').toBe(HAS_HUGE_PAGES);
  if (copy === null) return file.close();
  const bytes = Buffer.alloc(10);
  expect([await copy.read(bytes, 1_048_571), bytes.toString('latin1', 0, 5)]).toEqual([5, 'xxxxx']);
  expect([copy.isCopy, copy.isUnchanged(), copy.isResident(0, 10), copy.facts]).toEqual([true, true, true, file.facts]);
  copy.share().close();
  expect([told, closed]).toEqual([0, []]);
  copy.close();
  expect([told, closed]).toEqual([1, [copy.descriptor]]);
  file.close();
});

test('who is written to while it is copied is not copied, and who is closed meanwhile is closed behind it', async () => {
  const { file, closed } = await opened((path) => writeFileSync(path, 'y', { flag: 'r+' }));
  const copying = file.inHugePages(() => {});
  file.close();
  expect(closed).toEqual([]);
  expect(await copying).toBeNull();
  expect(closed).toContain(file.descriptor);
  expect(closed).toHaveLength(HAS_HUGE_PAGES ? 2 : 1);
});
