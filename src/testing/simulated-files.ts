// Simulated files: their names define their size and behaviour.

import type { FileFacts, FileSource, ListedName, OpenFile, Refusal } from '../files/file-source.ts';
import type { FolderNames } from '../files/folder-names.ts';
import { contentOfFile } from './scenario/content.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The latency of a slow disk. */
const SLOW_MS = 400;

/** Above all descriptors of a simulated machine's sockets. */
const FIRST_DESCRIPTOR = 1_000_000;

const NAME = /^(plain|slow|short-reads|shrinks)-([0-9]{1,8})\.bin$/;

/**
 * `plain-N.bin` has N bytes. `slow-` is on a slow disk, `short-reads-` returns less than requested, `shrinks-` ends
 * before its size. `exhausted` cannot be opened for want of descriptors. All other files are missing.
 */
export class SimulatedFiles implements FileSource {
  /** The content of each open file, by descriptor, for batches of the simulated kernel. */
  readonly #contents: Map<number, Uint8Array>;
  readonly #clock: VirtualClock;
  #next = FIRST_DESCRIPTOR;

  constructor(clock: VirtualClock, contents: Map<number, Uint8Array>) {
    this.#clock = clock;
    this.#contents = contents;
  }

  /** The number of open files. */
  get openFiles(): number {
    return this.#contents.size;
  }

  look(path: string): FileFacts | Refusal | null {
    return path.startsWith('slow-') ? null : factsOf(path);
  }

  async lookLater(path: string): Promise<FileFacts | Refusal> {
    await this.#clock.sleep(SLOW_MS);
    return factsOf(path);
  }

  open(path: string): OpenFile | Refusal | null {
    return path.startsWith('slow-') ? null : this.#open(path);
  }

  async openLater(path: string): Promise<OpenFile | Refusal> {
    await this.#clock.sleep(path.startsWith('slow-') ? SLOW_MS : 1);
    return this.#open(path);
  }

  async list(): Promise<FolderNames | Refusal> {
    return 'missing';
  }

  async describe(): Promise<readonly ListedName[] | Refusal> {
    return 'missing';
  }

  #open(path: string): OpenFile | Refusal {
    const facts = factsOf(path);
    if (typeof facts === 'string') return facts;
    const descriptor = this.#next++;
    const file = new SimulatedFile(this.#clock, path, facts, descriptor, () => this.#contents.delete(descriptor));
    this.#contents.set(descriptor, file.content);
    return file;
  }
}

function factsOf(path: string): FileFacts | Refusal {
  if (path === 'exhausted') return 'exhausted';
  const [, kind, length] = NAME.exec(path) ?? [];
  if (kind === undefined) return 'missing';
  const modifiedMs = Date.UTC(2020, 0, 1);
  return { size: Number(length), modifiedMs, changedMs: modifiedMs, device: 1, inode: 1 };
}

class SimulatedFile implements OpenFile {
  readonly facts: FileFacts;
  readonly descriptor: number;
  readonly content: Buffer;
  readonly #clock: VirtualClock;
  readonly #name: string;
  readonly #onClose: () => void;
  #owners = 1;

  constructor(clock: VirtualClock, name: string, facts: FileFacts, descriptor: number, onClose: () => void) {
    this.#clock = clock;
    this.#name = name;
    this.#onClose = onClose;
    this.facts = facts;
    this.descriptor = descriptor;
    this.content = contentOfFile(name, name.startsWith('shrinks-') ? Math.floor(facts.size / 2) : facts.size);
  }

  readNow(into: Uint8Array, position: number): number {
    this.#assertOpen();
    return this.#name.startsWith('slow-') ? -1 : this.#copy(into, position);
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#assertOpen();
    await this.#clock.sleep(this.#name.startsWith('slow-') ? SLOW_MS : 1);
    return this.#copy(into, position);
  }

  isResident(): boolean {
    return !this.#name.startsWith('slow-');
  }

  isUnchanged(): boolean {
    this.#assertOpen();
    return true;
  }

  share(): OpenFile {
    this.#assertOpen();
    this.#owners++;
    return this;
  }

  close(): void {
    this.#assertOpen();
    this.#owners--;
    if (this.#owners === 0) this.#onClose();
  }

  #copy(into: Uint8Array, position: number): number {
    const wanted = this.#name.startsWith('short-reads-') ? Math.ceil(into.length / 3) : into.length;
    return this.content.copy(into, 0, position, position + wanted);
  }

  #assertOpen(): void {
    if (this.#owners === 0) throw new Error('a closed file was used');
  }
}
