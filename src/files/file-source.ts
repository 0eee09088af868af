// The interface to static files, so that the handler can run over slow, shrinking or failing files. Facts that are
// known without waiting are returned at once; others are requested again, later. Methods that return a promise use a
// thread: the caller has a place in the `WorkPool`.

import type { FolderNames } from './folder-names.ts';

/** The reason why a path gives no file. `busy`: too many other requests wait for the disk. */
export type Refusal = 'missing' | 'directory' | 'forbidden' | 'exhausted' | 'busy' | 'failed';

/** Distinguishes the states of a file. Bytes; milliseconds since 1970. */
export interface FileFacts {
  readonly size: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
  readonly device: number;
  readonly inode: number;
}

/** An open regular file. */
export interface OpenFile {
  readonly facts: FileFacts;
  /** For `HttpResponse.writeFile`. */
  readonly descriptor: number;
  /**
   * Fills `into` from `position` as far as the page cache allows. Returns the bytes read, 0 at the end, -1: use {@link
   * read}.
   */
  readNow(into: Uint8Array, position: number): number;
  /** Fills `into` from `position`; resolves to the bytes read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Whether a range can be sent without waiting for a disk. */
  isResident(position: number, length: number): boolean;
  /** Whether {@link facts} still hold: the file was not written, deleted or replaced. */
  isUnchanged(): boolean;
  /** Adds an owner, which has to {@link close} it too. */
  share(): OpenFile;
  /** Removes an owner; the last one closes the file. */
  close(): void;
}

/** One name in a directory. */
export interface ListedName {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Files below one directory. Paths are names joined by `/`, without `..`; the empty path is the directory itself. */
export interface FileSource {
  /**
   * Whether the folder's name still leads here, as far as is known at `nowMs` (monotonic). If not, results of this
   * source must not be used for new requests. Absent: always true.
   */
  isCurrent?(nowMs: number): boolean;
  /** The current state of a path. Null: that takes waiting, use {@link lookLater}. */
  look(path: string): FileFacts | Refusal | null;
  lookLater(path: string): Promise<FileFacts | Refusal>;
  /** The open file. Null: that takes waiting, use {@link openLater}. */
  open(path: string): OpenFile | Refusal | null;
  openLater(path: string): Promise<OpenFile | Refusal>;
  /** The names of a directory; returns `known` if they are unchanged. */
  list(path: string, showsHidden: boolean, known: FolderNames | null): Promise<FolderNames | Refusal>;
  /** The current state of `names` in a directory; each name ends with NUL. Names that are gone are left out. */
  describe(path: string, names: Uint8Array): Promise<readonly ListedName[] | Refusal>;
}

/** See {@link FileSource.isCurrent}. */
export function isCurrentSource(source: FileSource, nowMs: number): boolean {
  return source.isCurrent === undefined || source.isCurrent(nowMs);
}

export function isSameFile(a: FileFacts, b: FileFacts): boolean {
  return (
    a.modifiedMs === b.modifiedMs &&
    a.size === b.size &&
    a.inode === b.inode &&
    a.changedMs === b.changedMs &&
    a.device === b.device
  );
}

/** Whether a path leads to the same file as before. */
export function isSameFinding(a: FileFacts | Refusal, b: FileFacts | Refusal): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : isSameFile(a, b);
}

/** Whether descriptors, memory or threads are short: that says nothing about the file. */
export function isOverload(found: unknown): boolean {
  return found === 'exhausted' || found === 'busy';
}
