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

  /** Writes all of `bytes`, when its turn comes, or nothing after {@link close}. Rejects when the disk is full or fails. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    await this.#space.pool.run(
      () => this.#write(bytes, position),
      () => !this.#isClosed,
    );
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    this.#opening ??= openUnlinked();
    const file = await this.#opening;
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
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

async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `epoll-server-${randomBytes(NAME_BYTES).toString('hex')}`);
  // A name that exists, a link included, is not opened.
  const file = await open(path, 'wx+', OWNER_ONLY);
  await unlink(path);
  return file;
}
