// Entity tags made of content: equal on all replicas, and different whenever the content is. They are cached by the
// state of the file, since computing one takes reading the whole file.

import { createHash, webcrypto } from 'node:crypto';
import type { FileFacts, OpenFile } from './file-source.ts';
import type { FileServices } from './services.ts';
import { readWhole, readWholeNow } from './whole-file.ts';

/** 120 bits, enough that two contents of a site never have the same tag by accident. */
const TAG_BYTES = 15;

/** Content up to this size is hashed on the loop's thread: 15 us. */
const MAX_HASHED_NOW = 16_384;

/** The number of cached tags: 4 MiB. */
const MAX_REMEMBERED = 16_384;

/** SHA-256 of content that does not change. Runs in the thread pool, where its caller has a place. */
export type Digest = (content: Uint8Array) => Promise<Uint8Array>;

// Node.js loads webcrypto at its first use.
const digestInPool: Digest = async (content) => new Uint8Array(await webcrypto.subtle.digest('SHA-256', content));

/** A whole file, and the tag of the bytes that were read. */
export interface Tagged {
  readonly content: Uint8Array;
  readonly tag: string;
}

export class ContentTags {
  readonly #digest: Digest;
  /** By file and state, in insertion order; the oldest entry is removed first. */
  readonly #known = new Map<string, string>();

  constructor(digest: Digest = digestInPool) {
    this.#digest = digest;
  }

  /** The tag of a file in that state, without quotes. Undefined: it is not known. */
  known(facts: FileFacts): string | undefined {
    return this.#known.get(keyOf(facts));
  }

  /** The caller has to ensure that any later change of the file changes `facts`. */
  remember(facts: FileFacts, tag: string): void {
    this.#known.set(keyOf(facts), tag);
    if (this.#known.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  /**
   * Reads the whole file: at once if it is small and in memory, otherwise in the pool. Null: `isWanted` returned false
   * when its turn came. The caller closes the file.
   */
  read(
    file: OpenFile,
    { pool, counters }: Pick<FileServices, 'pool' | 'counters'>,
    isWanted?: () => boolean,
  ): Tagged | Promise<Tagged | null> {
    const known = this.known(file.facts);
    const now = readWholeNow(file);
    const tag = now === null ? undefined : (known ?? hashNow(now));
    if (now !== null && tag !== undefined) return { content: now, tag };
    const readLater = async (): Promise<Tagged> => {
      const content = now ?? (await readWhole(file, counters));
      return { content, tag: known ?? (await this.of(content)) };
    };
    return pool.run(readLater, isWanted).then((read) => read ?? null);
  }

  /** The caller has a place in the pool. */
  async of(content: Uint8Array): Promise<string> {
    return hashNow(content) ?? textOf(await this.#digest(content));
  }
}

/** Undefined: the content is too large to hash at once. */
function hashNow(content: Uint8Array): string | undefined {
  if (content.length > MAX_HASHED_NOW) return undefined;
  return textOf(createHash('sha256').update(content).digest());
}

function textOf(hash: Uint8Array): string {
  return Buffer.from(hash.subarray(0, TAG_BYTES)).toString('base64url');
}

function keyOf({ device, inode, size, modifiedMs, changedMs }: FileFacts): string {
  return `${device} ${inode} ${size} ${modifiedMs} ${changedMs}`;
}
