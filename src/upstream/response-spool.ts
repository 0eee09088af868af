// Content of a response that waits for a slow client: a little in memory, more in a temporary file. First in, first out.

import { SlabQueue } from '../slab-queue.ts';
import type { SpoolSpace } from './spool-space.ts';
import { TemporaryFile } from './temporary-file.ts';

/** Content in memory beyond which it is written to the file. */
const MEMORY_BYTES = 16_384;

/** Content that may come while a write is in progress: the next write takes all of it. Each write costs a thread switch. */
const WRITING_BYTES = 131_072;

/** Bytes that are read from the file at a time, and held until the client has room. */
const PIECE_BYTES = 32_768;

type Piece = Uint8Array | null;

export class ResponseSpool {
  readonly #space: SpoolSpace;
  /** Called when {@link isFull} has become false. */
  readonly #onRoom: () => void;
  /** The newest content. */
  readonly #memory = new SlabQueue();
  #file: TemporaryFile | null = null;
  /** The file holds content from here on, the oldest, to {@link #fileEnd}. */
  #fileStart = 0;
  #fileEnd = 0;
  /** Content between that of the file and of the memory is being written. */
  #writing: Promise<void> | null = null;
  /** The same, after it could not be written. */
  #unwritten: Uint8Array[] = [];
  /** No more is appended. */
  #isComplete = false;
  #isClosed = false;

  constructor(space: SpoolSpace, onRoom: () => void) {
    this.#space = space;
    this.#onRoom = onRoom;
  }

  /** No more should be appended for now. */
  get isFull(): boolean {
    return this.#memory.byteLength >= (this.#writing === null ? MEMORY_BYTES : WRITING_BYTES);
  }

  /** Copies `bytes[start, end)`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.#memory.append(bytes, start, end);
    if (this.#memory.byteLength >= MEMORY_BYTES) this.#spill();
  }

  /** The content is complete: where there is a file, none of it stays in memory. */
  end(): void {
    this.#isComplete = true;
    if (this.#file !== null) this.#spill();
  }

  /** The next piece, at once or later; null: there is none now. */
  take(): Piece | Promise<Piece> {
    if (this.#fileStart < this.#fileEnd && this.#file !== null) return this.#takeFromFile(this.#file);
    if (this.#writing !== null) return this.#writing.then(() => this.take());
    const unwritten = this.#unwritten.shift();
    if (unwritten !== undefined) return unwritten;
    // Everything was read: the file begins again.
    this.#fileStart = this.#fileEnd = 0;
    const wasFull = this.isFull;
    const piece = this.#memory.shift();
    if (wasFull && !this.isFull) this.#onRoom();
    return piece;
  }

  close(): void {
    this.#isClosed = true;
    this.#memory.clear();
    this.#unwritten = [];
    this.#file?.close();
    this.#file = null;
  }

  async #takeFromFile(file: TemporaryFile): Promise<Piece> {
    const length = Math.min(this.#fileEnd - this.#fileStart, PIECE_BYTES);
    const bytes = await file.read(this.#fileStart, length);
    this.#fileStart += length;
    return bytes;
  }

  /** Writes the memory to the file. Where there is no room, the content stays in memory, and the sender has to wait. */
  #spill(): void {
    if (this.#writing !== null || this.#unwritten.length > 0 || this.#isClosed) return;
    if (this.#memory.byteLength === 0) return;
    const end = this.#fileEnd + this.#memory.byteLength;
    this.#file ??= new TemporaryFile(this.#space);
    if (end > this.#space.maxResponseBytes || !this.#file.reserveTo(end)) return;
    this.#writing = this.#write(this.#file, this.#memory.takePieces(), end);
  }

  /** `end`: where the file ends when `pieces` are written. */
  async #write(file: TemporaryFile, pieces: Uint8Array[], end: number): Promise<void> {
    try {
      await file.write(pieces, this.#fileEnd);
      this.#fileEnd = end;
    } catch {
      // A full disk: the rest of this response waits in memory, as if there was no room.
      this.#unwritten = pieces;
    }
    this.#writing = null;
    if (this.#isClosed) return;
    if (this.#memory.byteLength >= MEMORY_BYTES || this.#isComplete) this.#spill();
    if (!this.isFull) this.#onRoom();
  }
}
