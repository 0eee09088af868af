// Files that exist in a simulation only: their names say how large they are and how they behave.

import type { FileSource, OpenFile, Refusal } from '../handlers/file-source.ts';
import { fileContentOf } from './scenario/content.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A disk that has to look for it. */
const SLOW_MS = 400;

const NAME = /^(plain|slow|short-reads|shrinks)-([0-9]{1,8})\.bin$/;

/**
 * `plain-N.bin` has N bytes; `slow-` takes its time, `short-reads-` gives less than asked, `shrinks-` ends before
 * its size. `exhausted` cannot be opened for want of descriptors; anything else is missing.
 */
export class SimulatedFiles implements FileSource {
  /** Files that are open. */
  openFiles = 0;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  async open(segments: readonly string[]): Promise<OpenFile | Refusal> {
    const name = segments.at(-1) ?? '';
    await this.#clock.sleep(name.startsWith('slow-') ? SLOW_MS : 1);
    if (name === 'exhausted') return 'exhausted';
    const [, kind, length] = NAME.exec(name) ?? [];
    if (kind === undefined) return 'missing';
    this.openFiles++;
    return new SimulatedFile(this.#clock, name, kind, Number(length), () => {
      this.openFiles--;
    });
  }
}

class SimulatedFile implements OpenFile {
  readonly size: number;
  readonly modifiedMs: number = Date.UTC(2020, 0, 1);
  readonly identity: string;
  readonly #clock: VirtualClock;
  readonly #kind: string;
  readonly #content: Buffer;
  readonly #onClose: () => void;
  #isOpen = true;

  constructor(clock: VirtualClock, name: string, kind: string, size: number, onClose: () => void) {
    this.#clock = clock;
    this.#kind = kind;
    this.#onClose = onClose;
    this.size = size;
    this.identity = name;
    this.#content = fileContentOf(name, kind === 'shrinks' ? Math.floor(size / 2) : size);
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    if (!this.#isOpen) throw new Error('a closed file was read');
    await this.#clock.sleep(this.#kind === 'slow' ? SLOW_MS : 1);
    const wanted = this.#kind === 'short-reads' ? Math.ceil(into.length / 3) : into.length;
    return this.#content.copy(into, 0, position, position + wanted);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) throw new Error('a file was closed twice');
    this.#isOpen = false;
    this.#onClose();
  }
}
