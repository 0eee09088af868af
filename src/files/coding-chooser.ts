// Chooses the content coding of a file: a precompressed sibling, or a variant compressed here once for each state of
// the file.

import { CODING_SUFFIXES, type Coding, canCompress, compress, compressedSuffix } from './codings.ts';
import { type CompressionJob, Compressor } from './compressor.ts';
import { ContentTags, type Tagged } from './content-tags.ts';
import type { FileFacts, OpenFile, Refusal } from './file-source.ts';
import { isOverload, isSameFile, isSameFinding } from './file-source.ts';
import { FileVariant } from './file-variant.ts';
import { Representation, type RepresentationFacts } from './representation.ts';
import type { Coded, Resource } from './resource.ts';
import type { FileServices } from './services.ts';
import { SharedWait, type WaitingClient } from './shared-wait.ts';
import { readWhole } from './whole-file.ts';

/** A smaller response fits into one packet, and compression saves nothing (nginx: 20 bytes, Caddy: 512). */
const MIN_COMPRESSED_BYTES = 1_024;

/**
 * The maximum number of concurrent searches for codings, each with the requests that wait for it. Beyond it files are
 * sent as they are.
 */
const MAX_SEARCHES = 1_024;

/** Shared by all sites of a server, so that the bounds of compression apply to all of them together. */
export class CodingChooser {
  /** Entity tags of the files, coded or not. */
  readonly tags: ContentTags;
  readonly #services: FileServices;
  readonly #compressor: Compressor;
  /** Running searches for codings. */
  #searches = 0;

  constructor(services: FileServices, tags: ContentTags = new ContentTags()) {
    const { pool, nowMs, maxCodingBytesPerSecond: maxBytesPerSecond } = services;
    this.#services = services;
    this.tags = tags;
    this.#compressor = new Compressor({ pool, maxBytesPerSecond, nowMs });
  }

  /** Returns the best variant for `client`. `accepted`: the codings that it accepts, the best first. */
  choose(resource: Resource, accepted: readonly Coding[], client: WaitingClient): FileVariant | Promise<FileVariant> {
    for (const coding of accepted) {
      const known = resource.coded.get(coding);
      if (known === undefined || known.mayCompress) return this.#chooseLater(resource, accepted, client);
      if (known.variant !== null) return known.variant;
    }
    return resource.plain;
  }

  /** Forgets codings whose siblings appeared, changed or disappeared, so that they are searched again. */
  forgetChanged(resource: Resource): void {
    const { source, path } = resource;
    for (const [coding, known] of resource.coded) {
      const compare = (found: FileFacts | Refusal): void => this.#forgetUnless(resource, coding, known, found);
      const sibling = path + CODING_SUFFIXES[coding];
      const found = source.look(sibling);
      if (found === null) void this.#later(() => source.lookLater(sibling)).then(compare);
      else compare(found);
    }
  }

  #forgetUnless(resource: Resource, coding: Coding, known: Coded, found: FileFacts | Refusal): void {
    if (isOverload(found) || isSameFinding(found, known.sibling)) return;
    if (resource.coded.get(coding) !== known) return;
    if (known.variant !== null) this.#services.openFiles.drop(known.variant);
    resource.coded.delete(coding);
    this.#services.cache.resized(resource);
  }

  /** Runs in the pool, unless that is full. */
  async #later<T>(call: () => Promise<T>, isWanted?: () => boolean): Promise<T | Refusal> {
    const { pool } = this.#services;
    return (pool.isFull ? undefined : await pool.run(call, isWanted)) ?? 'busy';
  }

  /** If a bound of compression is reached, resolves to the best known variant. */
  #chooseLater(
    resource: Resource,
    accepted: readonly Coding[],
    client: WaitingClient,
  ): FileVariant | Promise<FileVariant> {
    const { search } = resource;
    if (search !== null) return this.#choiceOf(search, resource, accepted, client);
    if (this.#searches >= MAX_SEARCHES || !this.#mayFind(resource, accepted)) return bestKnown(resource, accepted);
    const begun = new SharedWait<boolean>();
    const choice = this.#choiceOf(begun, resource, accepted, client);
    void this.#search(begun, resource, accepted);
    return choice;
  }

  async #choiceOf(
    search: SharedWait<boolean>,
    resource: Resource,
    accepted: readonly Coding[],
    client: WaitingClient,
  ): Promise<FileVariant> {
    const isDone = await search.wait(client);
    // The search of another client may have left out a coding that this one accepts: search again.
    return isDone === true ? this.choose(resource, accepted, client) : bestKnown(resource, accepted);
  }

  /** Whether a search could find out about any coding now. */
  #mayFind(resource: Resource, accepted: readonly Coding[]): boolean {
    return accepted.some((coding) => {
      const known = resource.coded.get(coding);
      return known === undefined || (known.mayCompress && this.#compressor.mayRun(this.#jobOf(resource, coding)));
    });
  }

  async #search(search: SharedWait<boolean>, resource: Resource, codings: readonly Coding[]): Promise<void> {
    resource.search = search;
    this.#searches++;
    const isDone = await this.#findCodings(search, resource, codings).catch((error: unknown) => {
      this.#services.report(null, `${resource.path} cannot be compressed: ${String(error)}`);
      for (const coding of codings) this.#giveUp(resource, coding);
      return true;
    });
    this.#searches--;
    resource.search = null;
    this.#services.cache.resized(resource);
    search.settle(isDone);
  }

  /**
   * Resolves `codings` up to the best one that exists: a sibling if there is one, otherwise a variant made here. False:
   * not possible now.
   */
  async #findCodings(search: SharedWait<boolean>, resource: Resource, codings: readonly Coding[]): Promise<boolean> {
    if (!(await this.#findSiblings(search, resource, codings))) return false;
    for (const coding of codings) {
      const known = resource.coded.get(coding);
      if (known === undefined || known.variant !== null) return true;
      if (!known.mayCompress) continue;
      const variant = await this.#compressor.run({
        ...this.#jobOf(resource, coding),
        isWanted: () => search.isWanted,
        run: () => this.#compressed(resource, coding),
      });
      if (variant === undefined) return false;
      // The sibling changed meanwhile.
      if (resource.coded.get(coding) !== known) return true;
      resource.coded.set(coding, { variant, sibling: known.sibling, mayCompress: false });
      if (variant !== null) return true;
    }
    return true;
  }

  /** Stops at the first existing sibling: then nothing is compressed here. False: the system cannot tell now. */
  async #findSiblings(search: SharedWait<boolean>, resource: Resource, codings: readonly Coding[]): Promise<boolean> {
    const { size } = resource.plain.representation;
    const isWorthIt = size > MIN_COMPRESSED_BYTES && size <= this.#services.maxCompressedFileBytes;
    const isKept = this.#services.cache.couldHold(size);
    const found = new Map<Coding, Coded>();
    for (const coding of codings) {
      if (resource.coded.has(coding)) continue;
      const known = await this.#openSibling(search, resource, coding);
      if (known === null) return false;
      found.set(coding, { ...known, mayCompress: isWorthIt && isKept && canCompress(coding) });
      if (known.variant === null) continue;
      for (const [each, coded] of found) resource.coded.set(each, { ...coded, mayCompress: false });
      return true;
    }
    for (const [coding, coded] of found) resource.coded.set(coding, coded);
    return true;
  }

  #jobOf({ plain, path }: Resource, coding: Coding): Pick<CompressionJob<FileVariant>, 'key' | 'bytes' | 'hasRoom'> {
    const { facts, representation } = plain;
    const bytes = representation.size;
    const key = `${coding} ${facts.device} ${facts.inode} ${facts.changedMs} ${path}`;
    return { key, bytes, hasRoom: this.#services.cache.hasRoomFor(bytes) };
  }

  /** Records that there is no variant until the sibling changes. */
  #giveUp({ coded, source, path }: Resource, coding: Coding): void {
    if (coded.get(coding)?.mayCompress === false) return;
    const sibling = source.look(path + CODING_SUFFIXES[coding]) ?? 'missing';
    coded.set(coding, { variant: null, sibling, mayCompress: false });
  }

  /** Null: the system cannot tell now. */
  async #openSibling(
    search: SharedWait<boolean>,
    resource: Resource,
    coding: Coding,
  ): Promise<Pick<Coded, 'variant' | 'sibling'> | null> {
    const { source, path, plain } = resource;
    const { maxCachedFileBytes, report } = this.#services;
    const sibling = path + CODING_SUFFIXES[coding];
    const isWanted = (): boolean => search.isWanted;
    const found = source.look(sibling) ?? (await this.#later(() => source.lookLater(sibling), isWanted));
    if (found === 'missing' || found === 'directory') return { variant: null, sibling: found };
    if (typeof found !== 'string' && isOlder(found, plain.facts)) return { variant: null, sibling: found };
    const file = source.open(sibling) ?? (await this.#later(() => source.openLater(sibling), isWanted));
    if (typeof file === 'string') {
      if (isOverload(file)) return null;
      if (file !== 'missing' && file !== 'directory') report(null, `${sibling} cannot be used: ${file}`);
      return { variant: null, sibling: found };
    }
    const { facts } = file;
    const isSmall = facts.size <= maxCachedFileBytes;
    const read = isSmall ? await this.#readSibling(file) : null;
    if (!isSmall) file.close();
    const content = read?.content ?? null;
    const size = content?.length ?? facts.size;
    const tag = {
      fileSize: facts.size,
      modifiedMs: facts.modifiedMs,
      contentTag: read?.tag,
      tagSuffix: `-${coding}`,
    };
    const representation = this.#coded(resource, coding, size, tag);
    return { variant: new FileVariant({ representation, content, path: sibling, facts }), sibling: facts };
  }

  /** Closes the file. */
  async #readSibling(file: OpenFile): Promise<Tagged | null> {
    try {
      return await this.tags.read(file, this.#services);
    } finally {
      file.close();
    }
  }

  /**
   * The caller has a place in the pool. Null: the result is not smaller. Undefined: the file has changed or is gone.
   */
  async #compressed(resource: Resource, coding: Coding): Promise<FileVariant | null | undefined> {
    const { plain } = resource;
    const whole = plain.content ?? (await this.#readUnchanged(resource));
    if (whole === null) return undefined;
    const content = await compress(coding, whole);
    this.#services.counters.compressions++;
    if (content.length >= whole.length) return null;
    const { size: fileSize, modifiedMs } = plain.facts;
    const contentTag = plain.representation.contentTag ?? (await this.tags.of(whole));
    const tag = { fileSize, modifiedMs, contentTag, tagSuffix: compressedSuffix(coding) };
    const representation = this.#coded(resource, coding, content.length, tag);
    return new FileVariant({ representation, content, path: null, facts: plain.facts });
  }

  #coded(
    resource: Resource,
    coding: Coding,
    size: number,
    tag: Pick<RepresentationFacts, 'fileSize' | 'modifiedMs' | 'contentTag' | 'tagSuffix'>,
  ): Representation {
    return new Representation({ kind: resource.kindOf(coding), size, ...tag }, this.#services.wallClockMs());
  }

  /** The content of the plain file, if it is still the one that the resource describes. */
  async #readUnchanged({ source, path, plain }: Resource): Promise<Uint8Array | null> {
    const file = await source.openLater(path);
    if (typeof file === 'string') return null;
    try {
      if (!isSameFile(file.facts, plain.facts)) return null;
      const whole = await readWhole(file, this.#services.counters);
      return whole.length === plain.representation.size && file.isUnchanged() ? whole : null;
    } finally {
      file.close();
    }
  }
}

/**
 * Whether a sibling was made from an earlier content of the file. Whole seconds are compared: tools that copy the time
 * of the file truncate it to seconds.
 */
function isOlder(sibling: FileFacts, file: FileFacts): boolean {
  return Math.floor(sibling.modifiedMs / 1_000) < Math.floor(file.modifiedMs / 1_000);
}

/** The best variant that is known, when no search can help. */
function bestKnown(resource: Resource, accepted: readonly Coding[]): FileVariant {
  for (const coding of accepted) {
    const variant = resource.coded.get(coding)?.variant ?? null;
    if (variant !== null) return variant;
  }
  return resource.plain;
}
