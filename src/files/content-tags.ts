// Entity tags made of content: equal on all replicas, and another one whenever the content is another. They are
// remembered by what tells states of a file apart, since finding one out costs reading the whole file.

import { createHash, webcrypto } from 'node:crypto';
import type { FileFacts, OpenFile } from './file-source.ts';
import type { FileServices } from './services.ts';
import { readWhole, readWholeNow } from './whole-file.ts';

/** 120 bits: no two contents of a site have the same by accident. */
const TAG_BYTES = 15;

/** Hashed on the loop's thread: 15 us. */
const MAX_HASHED_NOW = 16_384;

/** Files whose tags are remembered: 4 MiB. */
const MAX_REMEMBERED = 16_384;

/** SHA-256 of content that stays as it is; in the thread pool, where its caller has a place. */
export type Digest = (content: Uint8Array) => Promise<Uint8Array>;

// Node.js loads it when it is first asked for.
const digestInPool: Digest = async (content) => new Uint8Array(await webcrypto.subtle.digest('SHA-256', content));

/** A whole file, and the tag of what was read. */
export interface Tagged {
  readonly content: Uint8Array;
  readonly tag: string;
}

export class ContentTags {
  readonly #digest: Digest;
  /** By file and state; what was entered first leaves first. */
  readonly #known = new Map<string, string>();

  constructor(digest: Digest = digestInPool) {
    this.#digest = digest;
  }

  /** The tag of a file in that state, without quotes; undefined: it is not known. */
  known(facts: FileFacts): string | undefined {
    return this.#known.get(keyOf(facts));
  }

  /** The caller knows that a later change of the file changes `facts`. */
  remember(facts: FileFacts, tag: string): void {
    this.#known.set(keyOf(facts), tag);
    if (this.#known.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  /**
   * Reads the whole file: at once when memory has it and it is small, else in the pool. Null: `isWanted` said no when it
   * was its turn. The file is the caller's to close.
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

/** Undefined: it is too much for that. */
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
