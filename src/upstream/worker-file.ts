// A file that a worker of this server wants to be sent as the content of its response. Only workers that this server has
// started may name one.

import type { ByteRange } from '../files/byte-ranges.ts';
import { ContentSender } from '../files/content.ts';
import { DirectoryFile, settle } from '../files/directory-file.ts';
import { makeFileCounters } from '../files/file-counters.ts';
import { WorkPool } from '../files/work-pool.ts';
import type { HttpResponse } from '../http/handler.ts';
import { EMFILE, ENFILE } from '../kernel/errno.ts';
import { createNativeFiles, type Files } from '../kernel/files.ts';
import { NativeError } from '../kernel/native-error.ts';
import { relieveDescriptors } from '../kernel/spare-descriptors.ts';

/** The field of such a response: `PATH; OFFSET; LENGTH`, the absolute path percent-encoded. It is never passed on. */
export const SENDFILE_FIELD = 'x-epoll-server-sendfile';

const PLACE = /^(\/[!-:<-~]*); ([0-9]{1,15}); ([0-9]{1,15})$/;

/** A part of a file. */
export interface WorkerRange {
  readonly path: string;
  readonly range: ByteRange;
}

/** The value of the field; null: it is malformed. */
export function filePlaceOf(value: string): WorkerRange | null {
  const [, path = '', offset, length] = PLACE.exec(value) ?? [];
  const start = Number(offset);
  const bytes = Number(length);
  if (path === '') return null;
  try {
    return { path: decodeURIComponent(path), range: { start, end: start + bytes - 1 } };
  } catch {
    return null;
  }
}

export class WorkerFiles {
  readonly #files: Files = createNativeFiles();
  /** The folder `/`; negative: it is not open yet. */
  #root = -1;
  readonly #pool = new WorkPool();
  readonly #counters = makeFileCounters();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Opens the regular file at an absolute path without links. Rejects with NativeError. */
  async open(path: string): Promise<DirectoryFile> {
    if (this.#root < 0) this.#root = this.#files.openRoot('/');
    const opened =
      this.#root < 0 ? this.#root : await settle((done) => this.#files.openLater(this.#root, path.slice(1), done));
    if ((opened === EMFILE || opened === ENFILE) && relieveDescriptors()) return this.open(path);
    if (opened < 0) throw new NativeError('open', opened, path);
    return new DirectoryFile({ files: this.#files, nowMs: this.#nowMs, relieve: relieveDescriptors }, opened);
  }

  /** Sends a range of `file` as the content of a response that has begun, and closes the file. */
  send(response: HttpResponse, file: DirectoryFile, range: ByteRange, onError: (error: unknown) => void): void {
    if (range.end < range.start) {
      file.close();
      response.end();
      return;
    }
    new ContentSender(response, file, [range], { pool: this.#pool, counters: this.#counters }, onError).run();
  }
}
