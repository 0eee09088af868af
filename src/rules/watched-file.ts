// A small file whose content is in memory. It is read at the start, and again within a second after it changed, off the
// loop.

import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import { isWithin, openPathOf, realPathOf } from '../files/deny-list.ts';
import { PeriodicLook } from '../files/periodic-look.ts';

/** A change is noticed after this time. */
const FRESH_MS = 900;

/** The largest file; a larger one counts as unreadable. Cloudflare reads 2,100 lines of 1,000 characters. */
const MAX_BYTES = 2_100_000;

export interface WatchedFileOptions {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** The folder that links of the file must not leave; null: they may lead anywhere. */
  readonly root: string | null;
  /** Takes the content; null: there is no such file. Throws if it is not valid. */
  readonly take: (content: Buffer | null) => void;
  /** Called when a changed file cannot be read, or is not valid: what was taken before stays in use. */
  readonly onError: (error: unknown) => void;
}

export class WatchedFile {
  readonly #path: string;
  readonly #options: WatchedFileOptions;
  readonly #look: PeriodicLook;
  /** The version of the file that was read last, or why there was none. */
  #known = '';

  /** @throws the error of `take`, or of the system unless there is no such file. */
  constructor(path: string, options: WatchedFileOptions) {
    this.#path = path;
    this.#options = options;
    options.take(readWatched(path, options.root));
    this.#look = new PeriodicLook({ nowMs: options.nowMs, freshMs: () => FRESH_MS, look: () => this.#check() });
  }

  /** Resolves when the content is known to be current; null: it is. */
  whenFresh(): Promise<void> | null {
    return this.#look.whenFresh();
  }

  async #check(): Promise<void> {
    const known = await stat(this.#path).then(versionText, messageOf);
    if (known === this.#known) return;
    this.#known = known;
    try {
      this.#options.take(await readLater(this.#path, this.#options.root));
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

/** Changes whenever the content does. */
function versionText({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

/** Resolves when the contents of all `files` are known to be current; null: they are. */
export function whenAllFresh(files: readonly WatchedFile[]): Promise<unknown> | null {
  let waits: Promise<void>[] | null = null;
  for (const file of files) {
    const wait = file.whenFresh();
    if (wait !== null) waits = [...(waits ?? []), wait];
  }
  return waits === null ? null : Promise.all(waits);
}

/** To open a pipe does not wait for a writer. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** The text of a file, without the mark that some editors write in front of it. */
export function watchedText(content: Buffer): string {
  return content.toString().replace(/^\ufeff/, '');
}

/** Null: there is no such file. @throws Error: it cannot be read, or is too large. */
export function readWatched(path: string, root: string | null): Buffer | null {
  try {
    const descriptor = openSync(path, READ);
    try {
      checkFile(fstatSync(descriptor));
      checkPlace(descriptor, path, root);
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return nullIfMissing(path, error);
  }
}

/** The same off the loop. */
async function readLater(path: string, root: string | null): Promise<Buffer | null> {
  try {
    const file = await open(path, READ);
    try {
      checkFile(await file.stat());
      checkPlace(file.fd, path, root);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    return nullIfMissing(path, error);
  }
}

/** A pipe or a device could keep a reader for ever. The system itself refuses to read a folder. */
function checkFile(stats: Stats): void {
  if (!stats.isFile() && !stats.isDirectory()) throw new Error('it is not a file');
  const { size } = stats;
  if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, the limit is ${MAX_BYTES}`);
}

function checkPlace(descriptor: number, path: string, root: string | null): void {
  if (root === null) return;
  const real = openPathOf(descriptor) ?? realPathOf(path);
  if (!isWithin(real, realPathOf(root))) throw new Error(`it is a link out of ${root}`);
}

function nullIfMissing(path: string, error: unknown): null {
  const isMissing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
  // The system names no file where it cannot read a folder.
  if (!isMissing) throw new Error(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  return null;
}
