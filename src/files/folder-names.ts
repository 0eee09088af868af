// The names of a folder at one moment, as the system gave them: kept as bytes, since a folder may have a million names,
// and a page shows a thousand. It must not know what the names mean.

/** More names are not read: these take 36 MiB at most, and a second of a thread. */
export const MAX_FOLDER_NAMES = 1_048_576;
export const MAX_FOLDER_BYTES = 33_554_432;

export interface FolderNamesParts {
  /** Each name ends with NUL. */
  readonly text: Uint8Array;
  /** Of each name in `text`, and where the last one ends. */
  readonly starts: Uint32Array;
  /** The folder has more names. */
  readonly isCut: boolean;
  /** As long as the folder has this state, it has these names; empty: they may change unnoticed. */
  readonly state: string;
}

export class FolderNames {
  readonly isCut: boolean;
  readonly state: string;
  readonly #text: Uint8Array;
  readonly #starts: Uint32Array;

  constructor({ text, starts, isCut, state }: FolderNamesParts) {
    this.#text = text;
    this.#starts = starts;
    this.isCut = isCut;
    this.state = state;
  }

  get count(): number {
    return this.#starts.length - 1;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#text.length + this.#starts.byteLength;
  }

  /** The names from `first` on and in front of `end`; each ends with NUL. */
  slice(first: number, end: number): Uint8Array {
    return this.#text.subarray(this.#starts[first], this.#starts[end]);
  }
}
