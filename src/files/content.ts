// Sends the content of a response from memory or from an open file, as fast as the client receives it. File bytes in
// the page cache are sent by the system; the others are read in the thread pool.

import type { FileReceipt, HttpResponse } from '../http/handler.ts';
import type { ByteRange } from './byte-ranges.ts';
import type { FileCounters } from './file-counters.ts';
import type { OpenFile } from './file-source.ts';
import type { WorkPool } from './work-pool.ts';

/** Bytes in memory, or a range of the file. */
export type ContentPart = Uint8Array | ByteRange;

/**
 * Residency is checked for this much at a time, and up to a multiple of it is sent. Little of it should be evicted
 * meanwhile.
 */
const SLICE_BYTES = 1_048_576;

/** The size of one read: big enough for one send, small enough to hold for many clients. */
const READ_BYTES = 131_072;

/**
 * Responses up to this size are copied whole (GATHER_BYTES of the connection), so that their content may be overwritten
 * at once.
 */
const SMALL_BYTES = 16_384;

const NOTHING = new Uint8Array(0);

const scratch = Buffer.allocUnsafeSlow(SMALL_BYTES);

/** The buffer of an immediate read that found nothing, for the next one. */
let spare: Buffer | null = null;

/**
 * The whole content of a small file that is in memory, valid until the next call. Reading it costs less than having the
 * system send it. Null: the file is large, or not in memory.
 */
export function readSmall(file: OpenFile, size: number): Uint8Array | null {
  if (size > SMALL_BYTES) return null;
  const content = scratch.subarray(0, size);
  return size === 0 || file.readNow(content, 0) === size ? content : null;
}

/** The services of a site that {@link ContentSender} uses. */
export interface ContentServices {
  readonly pool: WorkPool;
  readonly counters: FileCounters;
}

/** Bytes from `position` on, as far as the page cache has them. Null: it has none. */
function readNow(file: OpenFile, position: number, length: number): Uint8Array | null {
  const isLong = length === READ_BYTES;
  const into = (isLong ? spare : null) ?? Buffer.allocUnsafeSlow(length);
  if (isLong) spare = null;
  const count = file.readNow(into, position);
  if (count > 0) return into.subarray(0, count);
  if (isLong) spare = into;
  return null;
}

/**
 * Sends the parts of a response whose head was sent, and ends it. If the file is shorter than announced, the response
 * is aborted, since nothing may replace the missing bytes. Closes the file in any case.
 */
export class ContentSender implements FileReceipt {
  readonly #response: HttpResponse;
  readonly #file: OpenFile;
  readonly #pieces: readonly ContentPart[];
  readonly #services: ContentServices;
  readonly #onError: (error: unknown) => void;
  #piece = 0;
  /** Sent bytes of the current part. */
  #sent = 0;
  /** The number of bytes passed to the last writeFile. */
  #askedBytes = 0;
  /** Whether the client has not yet received all that was sent. */
  #isSlow = false;
  #isOver = false;

  constructor(
    response: HttpResponse,
    file: OpenFile,
    pieces: readonly ContentPart[],
    services: ContentServices,
    onError: (error: unknown) => void,
  ) {
    this.#response = response;
    this.#file = file;
    this.#pieces = pieces;
    this.#services = services;
    this.#onError = onError;
  }

  /** Continues until the client is slow, the system or the disk is busy, or everything is sent. */
  run(): void {
    for (;;) {
      const piece = this.#pieces[this.#piece];
      if (this.#response.ended || piece === undefined) return this.#finish();
      if (piece instanceof Uint8Array) {
        this.#write(piece);
        this.#next();
      } else if (!this.#sendRange(piece)) {
        return;
      }
      if (this.#waits()) return;
    }
  }

  /** The system has sent bytes of the current part from the page cache, or cannot. */
  onSent(count: number): void {
    const piece = this.#pieces[this.#piece];
    if (this.#response.ended || piece === undefined || piece instanceof Uint8Array) return this.#finish();
    if (count >= 0) {
      this.#services.counters.sendfileBytes += count;
      this.#isSlow = count < this.#askedBytes;
      this.#advance(piece, count);
    } else if (!this.#readRange(piece)) {
      return;
    }
    if (!this.#waits()) this.run();
  }

  /** Waits for a slow client, unless there is nothing more to send. */
  #waits(): boolean {
    const isSlow = this.#isSlow;
    this.#isSlow = false;
    if (!isSlow || this.#piece === this.#pieces.length) return false;
    void this.#response.drained().then(() => this.run());
    return true;
  }

  #write(piece: Uint8Array): void {
    this.#isSlow = !this.#response.write(piece);
  }

  #next(): void {
    this.#piece++;
    this.#sent = 0;
  }

  /** Records that `count` more bytes of a range were sent. */
  #advance(range: ByteRange, count: number): void {
    this.#sent += count;
    if (this.#sent > range.end - range.start) this.#next();
  }

  /** False: it continues later, when the result of this step is known. */
  #sendRange(range: ByteRange): boolean {
    const position = range.start + this.#sent;
    const sliceEnd = position - (position % SLICE_BYTES) + SLICE_BYTES;
    const length = Math.min(sliceEnd, range.end + 1) - position;
    if (!this.#file.isResident(position, length)) return this.#readRange(range);
    this.#askedBytes = length;
    this.#response.writeFile(this.#file.descriptor, position, length, this);
    return false;
  }

  /**
   * Reads into this program's memory, immediately as far as the page cache allows. False: the thread pool continues.
   */
  #readRange(range: ByteRange): boolean {
    const { pool, counters } = this.#services;
    const position = range.start + this.#sent;
    const length = Math.min(range.end + 1 - position, READ_BYTES);
    const bytes = readNow(this.#file, position, length);
    if (bytes !== null) {
      counters.memoryReads++;
      this.#write(bytes);
      this.#advance(range, bytes.length);
      return true;
    }
    counters.poolReads++;
    pool
      .run(
        () => this.#read(position, length),
        () => !this.#response.ended,
      )
      .then(
        (read = NOTHING) => this.#fetched(range, read),
        (error: unknown) => this.#failed(error),
      );
    return false;
  }

  /** Reads in the pool. The buffer is allocated when its turn comes, since many clients may wait for a slow disk. */
  async #read(position: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length);
    return bytes.subarray(0, await this.#file.read(bytes, position));
  }

  #fetched(range: ByteRange, bytes: Uint8Array): void {
    if (bytes.length === 0) return this.#failed(new Error('it was truncated while it was sent'));
    if (!this.#response.ended) {
      this.#write(bytes);
      this.#advance(range, bytes.length);
    }
    if (!this.#waits()) this.run();
  }

  #failed(error: unknown): void {
    if (!this.#response.ended) this.#onError(error);
    this.#response.abort();
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#file.close();
    if (!this.#response.ended) this.#response.end();
  }
}
