// The interface to files below a directory: calls that never wait for a disk, and the same calls in libuv's thread
// pool. Any implementation of this interface can serve files.

import { type Addon, loadAddon } from './addon.ts';

/** Indices into {@link Files.status}, the same order as in native/file.h. */
export const FILE_SIZE = 0;
export const FILE_MODIFIED_MS = 1;
export const FILE_CHANGED_MS = 2;
export const FILE_DEVICE = 3;
export const FILE_INODE = 4;

/** Receives the result of a call: what the call without `Later` would have returned. */
export type FileDone = (result: number) => void;

/** The names of a directory: directories first, then regular files, each in the order of the bytes of their names. */
export interface RawNames {
  /** Each name ends with NUL. */
  readonly text: Uint8Array;
  /**
   * The offset of each name in `text`, then the end of the last one: 32 bits each, in the byte order of this machine.
   */
  readonly starts: Uint8Array;
  /** The directory has more names than `maxNames` or `maxBytes` allow. */
  readonly isCut: boolean;
  /** While the state of the directory is the same, so are its names. Empty: changes are not detected. */
  readonly state: string;
}

/** The result of {@link Files.listLater} when the directory is still in the known state. */
export const UNCHANGED = 1;

/** Receives the names of a directory: none when `result` is not 0. */
export type ListDone = (result: number, names: RawNames | undefined) => void;

/** Numbers that {@link Files.describeLater} returns for each name: doubles in the byte order of this machine. */
export const FACTS_OF_NAME = 3;
/** The first of these numbers is the kind; the others are the size in bytes and the modification time in ms. */
export const NAME_IS_FILE = 1;
export const NAME_IS_DIRECTORY = 2;

/** Receives {@link FACTS_OF_NAME} numbers for each name: none when `result` is negative. */
export type DescribeDone = (result: number, facts: Uint8Array | undefined) => void;

/**
 * One server's files. Calls return small integers; a failed call returns `-errno`. Paths are relative to a root,
 * without `/` in front. A byte that is not UTF-8 is a lone surrogate in them (native/name_text.h). The contract is in
 * native/file.h; test/contract/files.contract.ts has a test for each sentence:
 *
 * 1. A path never leads out of the root, also during renames.
 * 2. Only regular files are opened for reading: a directory is EISDIR, any other type ENXIO.
 * 3. `look`, `open` and `read` never wait for a disk: what is not in memory is EAGAIN, and a `...Later` call reads it
 *    in the thread pool. Such a call returns 0 and calls `done` once, later, or it returns `-errno`.
 * 4. `lookAt` returns the current status of an open file. Its change time shows whether it was written to or deleted.
 * 5. A read is short only at the end of the file, or where the next bytes are not in memory.
 * 6. Calls that the system lacks are detected at the start: a call that fails later is an error of that file.
 * 7. Names are bytes, in any encoding or none.
 * 8. A `...Later` call keeps its descriptor. If that is closed meanwhile, close(2) is delayed until the last such call
 *    has ended, so that none of them reads another file. The caller must not detach its bytes before.
 */
export interface Files {
  /**
   * Filled by each successful `look`, `lookAt`, `open` and `openRoot`, and before the `done` of a successful
   * `...Later`.
   */
  readonly status: Float64Array;
  /** The limit of open descriptors of this process (RLIMIT_NOFILE); 0: unknown. */
  readonly descriptorLimit: number;
  /** Opens the root directory; may wait. Fills {@link status}, and returns the descriptor. */
  readonly openRoot: (path: string) => number;
  /** Fills {@link status}; returns 0. */
  readonly look: (root: number, path: string) => number;
  /** The same for an open file. */
  readonly lookAt: (file: number) => number;
  /** Opens for reading and fills {@link status}; returns the descriptor. */
  readonly open: (root: number, path: string) => number;
  /** Reads into `bytes[offset, offset + length)`. Returns the count, 0 at the end. */
  readonly read: (file: number, bytes: Uint8Array, offset: number, length: number, position: number) => number;
  /** Whether a whole range is in memory, so that `Kernel.sendBatch` does not wait for a disk: 1 or 0. */
  readonly isResident: (file: number, position: number, length: number) => number;
  readonly close: (file: number) => number;
  readonly lookLater: (root: number, path: string, done: FileDone) => number;
  readonly openLater: (root: number, path: string, done: FileDone) => number;
  readonly readLater: (
    file: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: FileDone,
  ) => number;
  /**
   * Lists the names that lead to a directory or a regular file: at most `maxNames`, of at most `maxBytes` together.
   * `known`: the state of an earlier list, or empty. While it is the same, the result is {@link UNCHANGED}.
   */
  readonly listLater: (
    root: number,
    path: string,
    maxNames: number,
    maxBytes: number,
    showsHidden: boolean,
    known: string,
    done: ListDone,
  ) => number;
  /** Describes `names` of a directory. Each name ends with NUL. */
  readonly describeLater: (root: number, path: string, names: Uint8Array, done: DescribeDone) => number;
  /** Closes every descriptor that is still open. */
  readonly destroy: () => void;
}

/**
 * The files of this machine.
 * @throws EpollServerError `ERR_ADDON`, `ERR_PLATFORM`.
 */
export function createNativeFiles(addon: Addon = loadAddon()): Files {
  return addon.createFiles();
}
