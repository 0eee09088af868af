// Tests that temporary files leave threads of the pool to others.

import { type FileHandle, open, readdir } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { SpoolSpace } from '../../src/upstream/spool-space.ts';
import { TemporaryFile } from '../../src/upstream/temporary-file.ts';

const PIECE = Buffer.alloc(1_000, 'x');

test('two writes run at a time, the others in turn; one whose file was closed does not run', async () => {
  const space = new SpoolSpace(1_000_000);
  const files = Array.from({ length: 6 }, () => new TemporaryFile(space));
  const descriptors = (await readdir('/dev/fd')).length;
  const writes = files.map((file) => file.write([PIECE], 0));
  expect(space.pool.load).toEqual([2, 4]);
  files[5]?.close();
  await Promise.all(writes);
  expect(space.pool.load).toEqual([0, 0]);
  expect((await readdir('/dev/fd')).length - descriptors).toBe(5);
  for (const file of files.slice(0, 5)) {
    expect(await file.read(0, PIECE.length)).toEqual(PIECE);
    file.close();
  }
});

function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

test('pieces are written one behind the other, also where a write is short', async () => {
  const handle = await open('/dev/null');
  // Its class has no name that could be imported.
  const methods = Object.getPrototypeOf(handle) as FileHandle;
  const { writev } = methods;
  const short = vi.spyOn(methods, 'writev').mockImplementation(async function (this: FileHandle, pieces, position) {
    const bytes = Buffer.concat(pieces.map(bytesOf));
    return writev.call(this, [bytes.subarray(0, 3)], position);
  });
  const file = new TemporaryFile(new SpoolSpace(1_000_000));
  await file.write(
    ['ab', 'cdefg', 'h'].map((text) => Buffer.from(text)),
    5,
  );
  expect(short).toHaveBeenCalledTimes(3);
  expect((await file.read(5, 8)).toString()).toBe('abcdefgh');
  short.mockRestore();
  file.close();
  await handle.close();
});
