// Where static files come from, as an interface, so that the handler can be run on slow, shrinking or failing
// files. What can be known without waiting is known at once; everything else is asked again, later. Calls that return a
// promise use a thread: their caller has a place in the `WorkPool`.

import type { FolderNames } from './folder-names.ts';

/** Why a path gives no file. `busy`: too many others wait for the disk. */
export type Refusal = 'missing' | 'directory' | 'forbidden' | 'exhausted' | 'busy' | 'failed';

/** What tells one state of a file from another. Bytes; milliseconds since 1970. */
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
  /** Fills `into` from `position` as far as memory goes; returns the bytes read, 0 at the end; -1: ask {@link read}. */
  readNow(into: Uint8Array, position: number): number;
  /** Fills `into` from `position`; resolves to the bytes read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Whether a range can be sent without waiting for a disk. */
  isResident(position: number, length: number): boolean;
  /** Whether it is still what {@link facts} say: nobody wrote to it, deleted it, or put another in its place. */
  isUnchanged(): boolean;
  /** One more owner, who has to {@link close} it too. */
  share(): OpenFile;
  /** One owner less; the last one gives it back. */
  close(): void;
}

/** One name of a directory. */
export interface ListedName {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Files below one directory. Paths are names joined by `/`, without `..`; the empty one is the directory itself. */
export interface FileSource {
  /**
   * Whether the folder's name leads here, as far as is known at `nowMs` (monotonic). False: nothing that was found here
   * answers requests any more. Absent: it always does.
   */
  isCurrent?(nowMs: number): boolean;
  /** What is there now; null: that takes waiting, ask {@link lookLater}. */
  look(path: string): FileFacts | Refusal | null;
  lookLater(path: string): Promise<FileFacts | Refusal>;
  /** The open file; null: that takes waiting, ask {@link openLater}. */
  open(path: string): OpenFile | Refusal | null;
  openLater(path: string): Promise<OpenFile | Refusal>;
  /** The names of a directory; those that are `known`, when they are the same. */
  list(path: string, showsHidden: boolean, known: FolderNames | null): Promise<FolderNames | Refusal>;
  /** What `names` of a directory are by now; each name ends with NUL. Those that left meanwhile are left out. */
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

/** Whether a path leads to what it led to before. */
export function isSameFinding(a: FileFacts | Refusal, b: FileFacts | Refusal): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : isSameFile(a, b);
}

/** Descriptors, memory or threads are short: that tells nothing of the file. */
export function isOverload(found: unknown): boolean {
  return found === 'exhausted' || found === 'busy';
}
