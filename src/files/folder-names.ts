// The names in a folder at one moment. They are kept as bytes, since a folder may have a million names, and a page
// shows a thousand.

/** The maximum number of names that are read: they take 36 MiB at most, and a second of a thread. */
export const MAX_FOLDER_NAMES = 1_048_576;
export const MAX_FOLDER_BYTES = 33_554_432;

export interface FolderNamesParts {
  /** Each name ends with NUL. */
  readonly text: Uint8Array;
  /** The position of each name in `text`, and the end of the last one. */
  readonly starts: Uint32Array;
  /** Whether the folder has more names. */
  readonly isCut: boolean;
  /** The state of the folder in which it has these names. Empty: they may change without notice. */
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

  /** The names from `first` to before `end`; each ends with NUL. */
  slice(first: number, end: number): Uint8Array {
    return this.#text.subarray(this.#starts[first], this.#starts[end]);
  }
}
