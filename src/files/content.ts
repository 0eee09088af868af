// The bytes of an answer, from memory or from an open file, as the client takes them. What memory has is sent
// from there by the system; what it has not is read in the thread pool. It must not know why they are sent.

import type { FileReceipt, HttpResponse } from '../http/handler.ts';
import type { ByteRange } from './byte-ranges.ts';
import type { FileCounters } from './file-counters.ts';
import type { OpenFile } from './file-source.ts';
import type { WorkPool } from './work-pool.ts';

/** Bytes that are at hand, or a range of the file. */
export type ContentPart = Uint8Array | ByteRange;

/** Asked about and sent at a time, up to a multiple of it: what was thrown out of memory meanwhile must stay little. */
const SLICE_BYTES = 1_048_576;

/** Read at a time: big enough for one send, small enough to hold for many clients. */
const READ_BYTES = 131_072;

/** Answers up to this are copied whole (GATHER_BYTES of the connection): their content may be overwritten at once. */
const SMALL_BYTES = 16_384;

const NOTHING = new Uint8Array(0);

const scratch = Buffer.allocUnsafeSlow(SMALL_BYTES);

/** Of a read at once that found nothing, for the next one. */
let spare: Buffer | null = null;

/**
 * The whole of a small file that is in memory, valid until the next call: reading it costs less than telling the
 * system to send it. Null: it is large, or not in memory.
 */
export function readSmall(file: OpenFile, size: number): Uint8Array | null {
  if (size > SMALL_BYTES) return null;
  const content = scratch.subarray(0, size);
  return size === 0 || file.readNow(content, 0) === size ? content : null;
}

/** What {@link ContentSender} needs of a site's services. */
export interface ContentServices {
  readonly pool: WorkPool;
  readonly counters: FileCounters;
}

/** Bytes from `position` on, as far as the system has them in memory; null: it has none. */
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
 * Sends the pieces of an answer that has begun, and ends it; or cuts it off when the file has fewer bytes than were
 * announced, since nothing may stand in for them. Closes the file, whatever happens.
 */
export class ContentSender implements FileReceipt {
  readonly #response: HttpResponse;
  readonly #file: OpenFile;
  readonly #pieces: readonly ContentPart[];
  readonly #services: ContentServices;
  readonly #onError: (error: unknown) => void;
  #piece = 0;
  /** Bytes of the current piece that were sent. */
  #sent = 0;
  /** Bytes that the last writeFile asked for. */
  #askedBytes = 0;
  /** The client has not taken what was sent so far. */
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

  /** Goes on until the client is slow, the system or the disk is asked, or all is sent. */
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

  /** The system has sent bytes of the current piece from its memory, or cannot. */
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

  /** A slow client is waited for, unless there is nothing more to send. */
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

  /** So many bytes more of a range are on their way. */
  #advance(range: ByteRange, count: number): void {
    this.#sent += count;
    if (this.#sent > range.end - range.start) this.#next();
  }

  /** False: it goes on when what was asked for is known. */
  #sendRange(range: ByteRange): boolean {
    const position = range.start + this.#sent;
    const sliceEnd = position - (position % SLICE_BYTES) + SLICE_BYTES;
    const length = Math.min(sliceEnd, range.end + 1) - position;
    if (!this.#file.isResident(position, length)) return this.#readRange(range);
    this.#askedBytes = length;
    this.#response.writeFile(this.#file.descriptor, position, length, this);
    return false;
  }

  /** Through this program's memory: at once as far as the system's goes. False: the thread pool goes on with it. */
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

  /** In the pool. The memory is taken when it is its turn: many clients may wait for a slow disk. */
  async #read(position: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length);
    return bytes.subarray(0, await this.#file.read(bytes, position));
  }

  #fetched(range: ByteRange, bytes: Uint8Array): void {
    if (bytes.length === 0) {
      this.#response.abort();
    } else if (!this.#response.ended) {
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
