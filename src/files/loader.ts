// Makes resources of files: reads what is small, and describes it.

import { CodingChooser } from './coding-chooser.ts';
import type { ContentTags, Tagged } from './content-tags.ts';
import { type FileKindOptions, FileKinds } from './file-kinds.ts';
import type { FileFacts } from './file-source.ts';
import { FileVariant } from './file-variant.ts';
import { type FoundFile, sitePathOf } from './finder.ts';
import { Representation, SETTLED_AFTER_MS } from './representation.ts';
import { Resource } from './resource.ts';
import type { FileServices } from './services.ts';

/** While the cache is full, a file has to be asked for so often, and stay known, to take the place of others. */
const ANSWERS_TO_KEEP = 64;

/** How a file is loaded. */
export interface LoadOptions {
  /** Its content is kept even when the cache is full. */
  readonly isImportant?: boolean;
  /** Asked when it is its turn to be read. */
  readonly isWanted?: () => boolean;
}

/** What became of a file that was read. */
interface Read {
  /** Its content is kept. */
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
   * What is small is read, for its entity tag is made of its content. The content is left out when the cache is full and
   * `isImportant` is not said: a crawl through more files than fit does not throw out what is hot. At once when memory
   * has the content; then the file is the caller's to close if the content is left out, and closed if not. Later, it is
   * closed in any case. Null: `isWanted` said no when it was its turn to be read.
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

  /** What was read is left out only where the file says that it still holds the same. */
  #readOf(found: FoundFile, { content, tag }: Tagged, { fits, checkedMs }: Read): Resource {
    const { file } = found;
    const { facts } = file;
    const isWhole = content.length === facts.size;
    if (isWhole && this.#isSettled(facts)) this.#tags.remember(facts, tag);
    return this.#resourceOf(found, fits || !isWhole || !file.isUnchanged() ? content : null, tag, checkedMs);
  }

  /** Counts an answer from the file, whose content is `content` and only valid now: asked for often, it is kept. */
  answered(resource: Resource, variant: FileVariant, content: Uint8Array): void {
    if (++resource.answersFromFile < ANSWERS_TO_KEEP || variant !== resource.plain) return;
    resource.answersFromFile = 0;
    if (content.length > this.#services.maxCachedFileBytes) return;
    variant.content = Buffer.from(content);
    this.#services.openFiles.drop(variant);
    this.#services.cache.resized(resource);
  }

  /**
   * The system sets the time of change itself; the other one is given by whatever wrote the file (`rsync -t`), and says
   * nothing when it is old or in the future. Some file systems tell no time of change.
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
