// Loads files as resources: describes each file, and reads it if it is small.

import { CodingChooser } from './coding-chooser.ts';
import type { ContentTags, Tagged } from './content-tags.ts';
import { type FileKindOptions, FileKinds } from './file-kinds.ts';
import type { FileFacts } from './file-source.ts';
import { FileVariant } from './file-variant.ts';
import { type FoundFile, sitePathOf } from './finder.ts';
import { Representation, SETTLED_AFTER_MS } from './representation.ts';
import { Resource } from './resource.ts';
import type { FileServices } from './services.ts';

/** While the cache is full, a file is cached after this many requests, if its description stays cached until then. */
const ANSWERS_TO_KEEP = 64;

/** The options of loading a file. */
export interface LoadOptions {
  /** Whether its content is cached even when the cache is full. */
  readonly isImportant?: boolean;
  /** Called when its turn to be read comes. */
  readonly isWanted?: () => boolean;
}

/** The result of reading a file. */
interface Read {
  /** Whether its content fits into the cache. */
  readonly fits: boolean;
  readonly checkedMs: number;
}

export class Loader {
  readonly codings: CodingChooser;
  readonly #services: FileServices;
  readonly #kinds: FileKinds;
  readonly #tags: ContentTags;

  /** `codings`: shared by the loaders of several sites. */
  constructor(options: FileKindOptions, services: FileServices, codings: CodingChooser = new CodingChooser(services)) {
    this.#services = services;
    this.#kinds = new FileKinds(options);
    this.#tags = codings.tags;
    this.codings = codings;
  }

  /**
   * Reads small files, since their entity tag is made of the content. When the cache is full, the content is kept only
   * if `isImportant`, so that a crawl through many files does not evict hot ones. The result is immediate if the
   * content is in memory. Then the caller has to close the file if the content was left out; otherwise it is closed
   * here. In the asynchronous case it is always closed. Null: `isWanted` returned false when its turn to be read came.
   */
  load(found: FoundFile, { isImportant = false, isWanted }: LoadOptions = {}): Resource | Promise<Resource | null> {
    const { file } = found;
    const checkedMs = this.#services.nowMs();
    const { size } = file.facts;
    if (size > this.#services.maxCachedFileBytes) return this.#resourceOf(found, null, undefined, checkedMs);
    const fits = isImportant || this.#services.cache.hasRoomFor(size);
    const known = this.#tags.known(file.facts);
    if (!fits && known !== undefined) return this.#resourceOf(found, null, known, checkedMs);
    const read = this.#tags.read(file, this.#services, isWanted);
    if (read instanceof Promise) return this.#loadLater(found, read, { fits, checkedMs });
    const resource = this.#readOf(found, read, { fits, checkedMs });
    if (resource.plain.content !== null) file.close();
    return resource;
  }

  async #loadLater(found: FoundFile, read: Promise<Tagged | null>, given: Read): Promise<Resource | null> {
    try {
      const tagged = await read;
      return tagged === null ? null : this.#readOf(found, tagged, given);
    } finally {
      found.file.close();
    }
  }

  /** Content is left out only if the file's state identifies it reliably. */
  #readOf(found: FoundFile, { content, tag }: Tagged, { fits, checkedMs }: Read): Resource {
    const { file } = found;
    const { facts } = file;
    const isWhole = content.length === facts.size;
    if (isWhole && this.#isSettled(facts)) this.#tags.remember(facts, tag);
    return this.#resourceOf(found, fits || !isWhole || !file.isUnchanged() ? content : null, tag, checkedMs);
  }

  /**
   * Counts a response from the file. `content` is valid only during this call; it is cached if it is requested often.
   */
  answered(resource: Resource, variant: FileVariant, content: Uint8Array): void {
    if (++resource.answersFromFile < ANSWERS_TO_KEEP || variant !== resource.plain) return;
    resource.answersFromFile = 0;
    if (content.length > this.#services.maxCachedFileBytes) return;
    variant.content = Buffer.from(content);
    this.#services.openFiles.drop(variant);
    this.#services.cache.resized(resource);
  }

  /**
   * The system sets the change time itself. The modification time is set by tools (`rsync -t`), and is no evidence when
   * it is old or in the future. Some file systems have no change time.
   */
  #isSettled({ modifiedMs, changedMs }: FileFacts): boolean {
    const nowMs = this.#services.wallClockMs();
    const lastMs = modifiedMs > nowMs ? changedMs : Math.max(modifiedMs, changedMs);
    return nowMs - lastMs > SETTLED_AFTER_MS;
  }

  #resourceOf(
    { file, place, isFirst }: FoundFile,
    content: Uint8Array | null,
    contentTag: string | undefined,
    checkedMs: number,
  ): Resource {
    const { facts } = file;
    const { modifiedMs } = facts;
    const sitePath = sitePathOf(place);
    const kind = this.#kinds.of(sitePath, null);
    const size = content?.length ?? facts.size;
    const made = { kind, size, modifiedMs, fileSize: facts.size, contentTag };
    const representation = new Representation(made, this.#services.wallClockMs());
    return new Resource({
      plain: new FileVariant({ representation, content, path: place.path, facts }),
      source: place.source,
      path: place.path,
      kindOf: (coding) => this.#kinds.of(sitePath, coding),
      isFirst,
      isCodable: kind.isCodable,
      settled: this.#isSettled(facts),
      checkedMs,
    });
  }
}
