// The content of one request, read completely before the request is passed on: a little in memory, more in a temporary
// file. It can be read again, when the request is sent a second time.

import { EpollServerError, messageOf } from '../errors.ts';
import type { RequestBody } from '../http/handler.ts';
import { SlabQueue } from '../slab-queue.ts';
import type { SpoolSpace } from './spool-space.ts';
import { TemporaryFile } from './temporary-file.ts';

/** Content up to this size stays in memory, and larger content is read in pieces of it. */
const MEMORY_BYTES = 32_768;

/** Where there is a file already, this much of what has arrived is collected for each write. */
const COLLECTED_BYTES = 16_384;

export class RequestContent {
  readonly #space: SpoolSpace;
  readonly #memory = new SlabQueue();
  #file: TemporaryFile | null = null;
  #fileBytes = 0;
  /** All of the content; null: it is in the file. */
  bytes: Buffer | null = null;

  constructor(space: SpoolSpace) {
    this.#space = space;
  }

  get length(): number {
    return this.bytes === null ? this.#fileBytes : this.bytes.length;
  }

  /** Reads `body` to its end. Rejects as the body does, and with `ERR_UPSTREAM` when there is no room for it. */
  async readAll(body: RequestBody): Promise<void> {
    for (let piece = await body.read(); piece !== null; piece = await body.read()) {
      this.#memory.adopt(piece);
      if (this.#memory.byteLength > (this.#file === null ? MEMORY_BYTES : COLLECTED_BYTES)) await this.#spill();
    }
    if (this.#file === null) this.bytes = this.#memory.takeAll();
    else if (this.#memory.byteLength > 0) await this.#spill();
  }

  async #spill(): Promise<void> {
    this.#file ??= new TemporaryFile(this.#space);
    const end = this.#fileBytes + this.#memory.byteLength;
    if (!this.#file.reserveTo(end)) throw noRoom('maxSpoolBytes is used up');
    try {
      await this.#file.write(this.#memory.takePieces(), this.#fileBytes);
    } catch (error) {
      throw noRoom(`its temporary file cannot be written: ${messageOf(error)}`);
    }
    this.#fileBytes = end;
  }

  /** A piece of the file from `position` on; null at the end. */
  async read(position: number): Promise<Buffer | null> {
    const length = Math.min(this.#fileBytes - position, MEMORY_BYTES);
    return length <= 0 || this.#file === null ? null : this.#file.read(position, length);
  }

  close(): void {
    this.#memory.clear();
    this.bytes = null;
    this.#file?.close();
    this.#file = null;
  }
}

function noRoom(why: string): EpollServerError {
  return new EpollServerError('ERR_UPSTREAM', `there is no room for the content of the request: ${why}`);
}
