// A temporary file without a name: it is removed as soon as it is open, so that nothing is left of it when this process
// ends. All calls run in the thread pool.

import { randomBytes } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpoolSpace } from './spool-space.ts';

const NAME_BYTES = 16;
const OWNER_ONLY = 0o600;

export class TemporaryFile {
  readonly #space: SpoolSpace;
  /** Null: it is not needed yet. */
  #opening: Promise<FileHandle> | null = null;
  #reservedBytes = 0;
  #isClosed = false;

  constructor(space: SpoolSpace) {
    this.#space = space;
  }

  /** Reserves room up to the position `end`. False: there is none. */
  reserveTo(end: number): boolean {
    const more = end - this.#reservedBytes;
    if (more <= 0) return true;
    if (!this.#space.reserve(more)) return false;
    this.#reservedBytes = end;
    return true;
  }

  /** Writes all `pieces`, when its turn comes, or nothing after {@link close}. Rejects when the disk is full or fails. */
  async write(pieces: readonly Uint8Array[], position: number): Promise<void> {
    await this.#space.pool.run(
      () => this.#write(pieces, position),
      () => !this.#isClosed,
    );
  }

  async #write(pieces: readonly Uint8Array[], position: number): Promise<void> {
    this.#opening ??= openUnlinked();
    const file = await this.#opening;
    let at = position;
    for (let left = pieces; left.length > 0; ) {
      const { bytesWritten } = await file.writev(left, at);
      at += bytesWritten;
      left = without(left, bytesWritten);
    }
  }

  /** Reads `length` bytes, which were written before. */
  async read(position: number, length: number): Promise<Buffer> {
    const file = await this.#opening;
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let at = 0; at < length; ) {
      const { bytesRead = 0 } = (await file?.read(bytes, at, length - at, position + at)) ?? {};
      if (bytesRead === 0) throw new Error('a temporary file is shorter than what was written to it');
      at += bytesRead;
    }
    return bytes;
  }

  /** Closes it when the calls in progress have ended. */
  close(): void {
    this.#isClosed = true;
    this.#space.release(this.#reservedBytes);
    this.#reservedBytes = 0;
    // A file that could not be opened was reported by the write that opened it.
    this.#opening?.then((file) => file.close()).catch(() => {});
    this.#opening = null;
  }
}

/** The pieces behind the first `count` bytes. */
function without(pieces: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  const left: Uint8Array[] = [];
  let skipped = 0;
  for (const piece of pieces) {
    const start = Math.min(count - skipped, piece.length);
    skipped += start;
    if (start < piece.length) left.push(piece.subarray(start));
  }
  return left;
}

async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `epoll-server-${randomBytes(NAME_BYTES).toString('hex')}`);
  // A name that exists, a link included, is not opened.
  const file = await open(path, 'wx+', OWNER_ONLY);
  await unlink(path);
  return file;
}
