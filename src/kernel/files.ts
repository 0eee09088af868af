// Files below a directory, as this server sees them: calls that answer at once or say that they would have to
// wait, and the same calls in libuv's thread pool. Whatever implements this interface can serve files.

import { type Addon, loadAddon } from './addon.ts';

/** Indices into {@link Files.status}, the same order as in native/file.h. */
export const FILE_SIZE = 0;
export const FILE_MODIFIED_MS = 1;
export const FILE_CHANGED_MS = 2;
export const FILE_DEVICE = 3;
export const FILE_INODE = 4;

/** Told how a call ended: what it would have returned. */
export type FileDone = (result: number) => void;

/** The names of a directory: directories first, then regular files, each in the order of the bytes of their names. */
export interface RawNames {
  /** Each name ends with NUL. */
  readonly text: Uint8Array;
  /** Of each name in `text`, and where the last one ends: 32 bits each, in the order of this machine. */
  readonly starts: Uint8Array;
  /** The directory has more names than were asked for. */
  readonly isCut: boolean;
  /** As long as the directory has this state, it has these names; empty: they may change unnoticed. */
  readonly state: string;
}

/** What {@link Files.listLater} returns when the directory is still in the state that is known. */
export const UNCHANGED = 1;

/** Told the names of a directory: none when `result` is not 0. */
export type ListDone = (result: number, names: RawNames | undefined) => void;

/** What {@link Files.describeLater} tells of each name: doubles in the order of this machine. */
export const FACTS_OF_NAME = 3;
/** The first of these numbers; the others are bytes and modification time. */
export const NAME_IS_FILE = 1;
export const NAME_IS_DIRECTORY = 2;

/** Told {@link FACTS_OF_NAME} numbers for each name: none when `result` is negative. */
export type DescribeDone = (result: number, facts: Uint8Array | undefined) => void;

/**
 * One server's files. Calls return small integers; a failed call returns `-errno`. Paths are relative to a
 * root, without `/` in front; bytes in them that are not UTF-8 are single surrogates (native/name_text.h). The contract is in native/file.h; test/contract/files.contract.ts has a test for
 * each sentence:
 *
 * 1. A path leads to what lies beneath the root or nowhere, whoever renames meanwhile.
 * 2. Only regular files are opened for reading: a directory is EISDIR, everything else ENXIO.
 * 3. `look`, `open` and `read` never wait for a disk: what memory does not know is EAGAIN, and `...Later` finds it
 *    out in the thread pool. A `...Later` call returns 0 and calls `done` once, later, or it returns `-errno`.
 * 4. `lookAt` tells what an open file is by now, written to or deleted meanwhile: its times of change tell.
 * 5. A read is short only at the end of the file, or where memory ends.
 * 6. What the system lacks is found out at the start: a call that fails later is that file's error.
 * 7. Names are bytes, whatever they mean to others.
 * 8. A `...Later` call owns the descriptor that it uses: when it is closed meanwhile, the system gets it back behind the
 *    last call, so that none of them finds another file there. The caller's bytes must not be detached before.
 */
export interface Files {
  /** What the last successful `look`, `open` or `openRoot`, or the one that `done` is being told of, found. */
  readonly status: Float64Array;
  /** Descriptors that this process may have (RLIMIT_NOFILE). */
  readonly descriptorLimit: number;
  /** A directory beneath which files are opened; waits. Fills {@link status}, and returns its descriptor. */
  readonly openRoot: (path: string) => number;
  /** Fills {@link status}; returns 0. */
  readonly look: (root: number, path: string) => number;
  /** The same of an open file. */
  readonly lookAt: (file: number) => number;
  /** Opens for reading and fills {@link status}; returns the descriptor. */
  readonly open: (root: number, path: string) => number;
  /** Reads into `bytes[offset, offset + length)`. Returns the count, 0 at the end. */
  readonly read: (file: number, bytes: Uint8Array, offset: number, length: number, position: number) => number;
  /** Whether a range is in memory whole, so that sending it by `Kernel.sendBatch` does not wait for a disk: 1 or 0. */
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
   * Names of a directory that lead to a directory or a regular file: at most `maxNames`, which take at most `maxBytes`.
   * `known`: the state in which they are known; then the result is {@link UNCHANGED} while they are the same.
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
  /** What `names` of a directory are by now. Each name ends with NUL. */
  readonly describeLater: (root: number, path: string, names: Uint8Array, done: DescribeDone) => number;
  /** Closes everything that is still open. */
  readonly destroy: () => void;
}

/**
 * The files of this machine.
 * @throws EpollServerError `ERR_ADDON`, `ERR_PLATFORM`.
 */
export function createNativeFiles(addon: Addon = loadAddon()): Files {
  return addon.createFiles();
}
