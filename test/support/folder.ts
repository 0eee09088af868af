// Creates temporary folders with files, which are removed when the test ends, or what else `atEnd` waits for.

import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AtEnd } from './prepared.ts';

/** Content by path below the folder. */
export type Tree = Readonly<Record<string, string | Uint8Array>>;

/** A temporary folder that holds `tree`; returns its real path. */
export async function folder(tree: Tree = {}, atEnd: AtEnd = onTestFinished): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'epoll-server-')));
  atEnd(() => rm(path, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(tree)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return path;
}
