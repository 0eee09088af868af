// Makes resources of files: reads what is small, describes it, and finds or makes its codings. Compression runs
// in the thread pool, once for each state of a file.

import type { CacheRules } from './cache-rules.ts';
import { CODING_SUFFIXES, type Coding, canCompress, compress, compressedSuffix } from './codings.ts';
import type { FileFacts, FileSource, OpenFile, Refusal } from './file-source.ts';
import { isSameFinding } from './file-source.ts';
import type { FoundFile } from './finder.ts';
import {
  isCompressible,
  type Kind,
  makeKind,
  mediaTypeOf,
  type Pairs,
  Representation,
  SETTLED_AFTER_MS,
} from './representation.ts';
import { type Coded, memoryOf, Resource, Variant } from './resource.ts';
import type { FileServices } from './services.ts';

/** Below this an answer fits one packet as it is, and compression saves nothing (nginx: 20 bytes, Caddy: 512). */
const MIN_COMPRESSED_BYTES = 1_024;

/** While the cache is full, a file has to be asked for so often, and stay known, to take the place of others. */
const ANSWERS_TO_KEEP = 64;

/** Endings are few; names without one, and strange ones, must not be kept for ever. */
const MAX_KINDS = 1_000;

export interface LoaderOptions {
  /** Of text; empty: none is told. */
  readonly charset: string;
  /** Siblings in a coding are looked for, and what has none is compressed. */
  readonly compression: boolean;
  readonly rules: CacheRules;
  /** Fields of every answer. */
  readonly extra: Pairs;
}

export class Loader {
  readonly #options: LoaderOptions;
  readonly #services: FileServices;
  readonly #kinds = new Map<string, Kind>();

  constructor(options: LoaderOptions, services: FileServices) {
    this.#options = options;
    this.#services = services;
  }

  /**
   * At once when memory has the content; then the file is closed. Without content when it is too large, or when the
   * cache is full and `isWanted` is not said: a crawl through more files than fit does not throw out what is hot. Then
   * the file is the caller's to close.
   */
  load(found: FoundFile, isWanted = false): Resource | Promise<Resource> {
    const { file } = found;
    const checkedMs = this.#services.nowMs();
    const { size } = file.facts;
    const fits = size <= this.#services.maxCachedFileBytes;
    if (!fits || !(isWanted || this.#services.cache.hasRoomFor(memoryOf(size))))
      return this.#resourceOf(found, null, checkedMs);
    const content = Buffer.allocUnsafeSlow(size);
    const count = size === 0 ? 0 : file.readNow(content, 0);
    if (count === size) {
      file.close();
      return this.#resourceOf(found, content, checkedMs);
    }
    return this.#readRest(file, content, Math.max(count, 0)).then((whole) => this.#resourceOf(found, whole, checkedMs));
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

  /** The variant for a client that takes `accepted`, the best first. */
  choose(resource: Resource, accepted: readonly Coding[]): Variant | Promise<Variant> {
    for (const coding of accepted) {
      const known = resource.coded.get(coding);
      if (known === undefined) return this.#chooseLater(resource, accepted);
      if (known.variant !== null) return known.variant;
    }
    return resource.plain;
  }

  /** Codings whose siblings came, changed or left are found out about anew. */
  forgetChanged(resource: Resource): void {
    const { source, path } = resource;
    for (const [coding, known] of resource.coded) {
      const compare = (found: FileFacts | Refusal): void => this.#forgetUnless(resource, coding, known, found);
      const sibling = path + CODING_SUFFIXES[coding];
      const found = source.look(sibling);
      if (found === null) void source.lookLater(sibling).then(compare);
      else compare(found);
    }
  }

  #forgetUnless(resource: Resource, coding: Coding, known: Coded, found: FileFacts | Refusal): void {
    // Nothing is known while descriptors, or the thread pool's places, are short.
    if (found === 'exhausted' || isSameFinding(found, known.sibling)) return;
    if (resource.coded.get(coding) !== known) return;
    if (known.variant !== null) this.#services.openFiles.drop(known.variant);
    resource.coded.delete(coding);
    this.#services.cache.resized(resource);
  }

  #resourceOf({ file, place, isFirst }: FoundFile, content: Uint8Array | null, checkedMs: number): Resource {
    const nowMs = this.#services.wallClockMs();
    const { facts } = file;
    const { modifiedMs } = facts;
    const kind = this.#kindOf(place.path, null);
    const size = content?.length ?? facts.size;
    const representation = new Representation({ kind, size, modifiedMs, fileSize: facts.size }, nowMs);
    return new Resource({
      plain: new Variant({ representation, content, path: place.path, facts }),
      source: place.source,
      path: place.path,
      isFirst,
      isCodable: kind.isCodable,
      settled: nowMs - modifiedMs > SETTLED_AFTER_MS,
      checkedMs,
    });
  }

  /** Files of one ending and rule are of one kind. */
  #kindOf(path: string, coding: Coding | null): Kind {
    const cacheControl = this.#options.rules.valueFor(path);
    const key = `${path.slice(path.lastIndexOf('.') + 1)} ${coding} ${cacheControl}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const mediaType = mediaTypeOf(path, this.#options.charset);
    const isCodable = this.#options.compression && isCompressible(mediaType);
    const kind = makeKind({ mediaType, isCodable, cacheControl }, coding, this.#options.extra);
    if (this.#kinds.size >= MAX_KINDS) this.#kinds.clear();
    this.#kinds.set(key, kind);
    return kind;
  }

  /** Closes the file. */
  async #readRest(file: OpenFile, content: Buffer, start: number): Promise<Uint8Array> {
    try {
      let length = start;
      while (length < content.length) {
        this.#services.counters.poolReads++;
        const count = await file.read(content.subarray(length), length);
        if (count === 0) break;
        length += count;
      }
      return content.subarray(0, length);
    } finally {
      file.close();
    }
  }

  async #chooseLater(resource: Resource, accepted: readonly Coding[]): Promise<Variant> {
    if (resource.coding === null) {
      resource.coding = this.#findCodings(resource, accepted).catch((error: unknown) => {
        this.#services.report(null, `${resource.path} cannot be compressed: ${String(error)}`);
        for (const coding of accepted) this.#giveUp(resource, coding);
      });
      await resource.coding;
      resource.coding = null;
      this.#services.cache.resized(resource);
    } else {
      await resource.coding;
    }
    return this.choose(resource, accepted);
  }

  /** Settles `accepted` as far as the best coding there is: a sibling if there is one, else made here. */
  async #findCodings(resource: Resource, accepted: readonly Coding[]): Promise<void> {
    const unknown = accepted.filter((coding) => !resource.coded.has(coding));
    const found = new Map<Coding, Coded>();
    for (const coding of unknown) {
      const known = await this.#openSibling(resource, coding);
      found.set(coding, known);
      if (known.variant === null) continue;
      for (const [each, coded] of found) resource.coded.set(each, coded);
      return;
    }
    const { size } = resource.plain.representation;
    const isWorthIt = size > MIN_COMPRESSED_BYTES && size <= this.#services.maxCompressedFileBytes;
    for (const [coding, { sibling }] of found) {
      const variant = isWorthIt && canCompress(coding) ? await this.#compressed(resource, coding) : null;
      resource.coded.set(coding, { variant, sibling });
      if (variant !== null) return;
    }
  }

  /** Without, until the sibling changes. */
  #giveUp({ coded, source, path }: Resource, coding: Coding): void {
    if (coded.has(coding)) return;
    coded.set(coding, { variant: null, sibling: source.look(path + CODING_SUFFIXES[coding]) ?? 'missing' });
  }

  async #openSibling({ source, path }: Resource, coding: Coding): Promise<Coded> {
    const sibling = path + CODING_SUFFIXES[coding];
    const found = source.look(sibling) ?? (await source.lookLater(sibling));
    if (found === 'missing' || found === 'directory') return { variant: null, sibling: found };
    const file = source.open(sibling) ?? (await source.openLater(sibling));
    if (typeof file === 'string') {
      if (file !== 'missing' && file !== 'directory') this.#services.report(null, `${sibling} is ${file}: not used`);
      return { variant: null, sibling: found };
    }
    const { facts } = file;
    const isSmall = facts.size <= this.#services.maxCachedFileBytes;
    const content = isSmall ? await this.#readRest(file, Buffer.allocUnsafeSlow(facts.size), 0) : null;
    if (!isSmall) file.close();
    const size = content?.length ?? facts.size;
    const tag = { fileSize: facts.size, modifiedMs: facts.modifiedMs, tagSuffix: `-${coding}` };
    const representation = this.#coded(path, coding, size, tag);
    return { variant: new Variant({ representation, content, path: sibling, facts }), sibling: facts };
  }

  async #compressed(resource: Resource, coding: Coding): Promise<Variant | null> {
    const { plain, path } = resource;
    const whole = plain.content ?? (await this.#readWhole(resource.source, path));
    if (whole === null || whole.length !== plain.representation.size) return null;
    const content = await this.#services.pool.run(() => compress(coding, whole));
    this.#services.counters.compressions++;
    if (content === undefined || content.length >= whole.length) return null;
    const { size: fileSize, modifiedMs } = plain.facts;
    const tag = { fileSize, modifiedMs, tagSuffix: compressedSuffix(coding) };
    const representation = this.#coded(path, coding, content.length, tag);
    return new Variant({ representation, content, path: null, facts: plain.facts });
  }

  #coded(
    path: string,
    coding: Coding,
    size: number,
    tag: { readonly fileSize: number; readonly modifiedMs: number; readonly tagSuffix: string },
  ): Representation {
    return new Representation({ kind: this.#kindOf(path, coding), size, ...tag }, this.#services.wallClockMs());
  }

  async #readWhole(source: FileSource, path: string): Promise<Uint8Array | null> {
    const file = await source.openLater(path);
    if (typeof file === 'string') return null;
    return this.#readRest(file, Buffer.allocUnsafeSlow(file.facts.size), 0);
  }
}
