// Makes resources of files: reads what is small, and describes it.

import { CodingChooser } from './coding-chooser.ts';
import { type FoundFile, sitePathOf } from './finder.ts';
import { type KindOptions, Kinds } from './kinds.ts';
import { Representation, SETTLED_AFTER_MS } from './representation.ts';
import { memoryOf, Resource, Variant } from './resource.ts';
import type { FileServices } from './services.ts';
import { readWholeLater, readWholeNow } from './whole-file.ts';

/** While the cache is full, a file has to be asked for so often, and stay known, to take the place of others. */
const ANSWERS_TO_KEEP = 64;

/** How a file is loaded. */
export interface LoadOptions {
  /** Its content is kept even when the cache is full. */
  readonly isImportant?: boolean;
  /** Asked when it is its turn to be read. */
  readonly isWanted?: () => boolean;
}

export class Loader {
  readonly codings: CodingChooser;
  readonly #services: FileServices;
  readonly #kinds: Kinds;

  /** `codings`: shared by the loaders of several sites. */
  constructor(options: KindOptions, services: FileServices, codings: CodingChooser = new CodingChooser(services)) {
    this.#services = services;
    this.#kinds = new Kinds(options);
    this.codings = codings;
  }

  /**
   * At once when memory has the content; then the file is closed. Without content when it is too large, or when the
   * cache is full and `isImportant` is not said: a crawl through more files than fit does not throw out what is hot. Then
   * the file is the caller's to close. Null: `isWanted` said no when it was its turn to be read, and the file is closed.
   */
  load(found: FoundFile, { isImportant = false, isWanted }: LoadOptions = {}): Resource | Promise<Resource | null> {
    const { file } = found;
    const checkedMs = this.#services.nowMs();
    const { size } = file.facts;
    const fits = size <= this.#services.maxCachedFileBytes;
    if (!fits || !(isImportant || this.#services.cache.hasRoomFor(memoryOf(size))))
      return this.#resourceOf(found, null, checkedMs);
    const content = readWholeNow(file);
    if (content !== null) {
      file.close();
      return this.#resourceOf(found, content, checkedMs);
    }
    return readWholeLater(file, this.#services, isWanted).then((whole) =>
      whole === null ? null : this.#resourceOf(found, whole, checkedMs),
    );
  }

  /** Counts an answer from the file, whose content is `content` and only valid now: asked for often, it is kept. */
  answered(resource: Resource, variant: Variant, content: Uint8Array): void {
    if (++resource.answersFromFile < ANSWERS_TO_KEEP || variant !== resource.plain) return;
    resource.answersFromFile = 0;
    if (content.length > this.#services.maxCachedFileBytes) return;
    variant.keep(Buffer.from(content));
    this.#services.openFiles.drop(variant);
    this.#services.cache.resized(resource);
  }

  #resourceOf({ file, place, isFirst }: FoundFile, content: Uint8Array | null, checkedMs: number): Resource {
    const nowMs = this.#services.wallClockMs();
    const { facts } = file;
    const { modifiedMs } = facts;
    const sitePath = sitePathOf(place);
    const kind = this.#kinds.of(sitePath, null);
    const size = content?.length ?? facts.size;
    const representation = new Representation({ kind, size, modifiedMs, fileSize: facts.size }, nowMs);
    return new Resource({
      plain: new Variant({ representation, content, path: place.path, facts }),
      source: place.source,
      path: place.path,
      kindOf: (coding) => this.#kinds.of(sitePath, coding),
      isFirst,
      isCodable: kind.isCodable,
      // A time in the future says nothing, but the system sets the time of change itself.
      settled: nowMs - Math.min(modifiedMs, facts.changedMs) > SETTLED_AFTER_MS,
      checkedMs,
    });
  }
}
