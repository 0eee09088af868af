// The request heads that the kernel found in received bytes. A head that it did not find is parsed here.

import type { HeadParser } from '../http/head-parser.ts';
import {
  HEAD_FIELD_COUNT,
  HEAD_FIELD_WORDS,
  HEAD_FRAMING_HIGH,
  HEAD_FRAMING_LOW,
  HEAD_LENGTH,
  HEAD_METHOD_END,
  HEAD_MINOR_VERSION,
  HEAD_NAME_LENGTHS,
  HEAD_QUERY_AT,
  HEAD_SLOT_WORDS,
  HEAD_START,
  HEAD_TARGET_END,
  HEAD_USUAL_FIELDS,
  HEAD_WORDS,
  type KernelMemory,
  PREFETCH_BYTES,
} from '../kernel/kernel.ts';

/** The kernel did not find a head there, or it is beyond a limit. */
export const NOT_FOUND = -1;

export class ReceivedHeads {
  readonly #input: Buffer;
  readonly #words: Int32Array;
  readonly #receiveBytes: number;
  /** The words behind the head that was taken last from the bytes of this receive; -1: none was taken. */
  #next = NOT_FOUND;

  constructor({ input, heads, receiveBytes }: Pick<KernelMemory, 'input' | 'heads' | 'receiveBytes'>) {
    this.#input = input;
    this.#words = heads;
    this.#receiveBytes = receiveBytes;
  }

  /** Other bytes are received, perhaps into the same memory: called before the first {@link parse} of them. */
  begin(): void {
    this.#next = NOT_FOUND;
  }

  /**
   * Parses the head that begins at `bytes[start]`; the bytes end at `end`. Returns what `parser.parse` would, with the
   * same parts in `parser.head`, or {@link NOT_FOUND}, and then the parser is as before. The parser must be fresh.
   */
  parse(parser: HeadParser, bytes: Uint8Array, start: number, end: number): number {
    const at = bytes === this.#input ? this.#find(start) : NOT_FOUND;
    if (at === NOT_FOUND) return NOT_FOUND;
    const words = this.#words;
    const length = words[at + HEAD_LENGTH] ?? 0;
    const methodEnd = words[at + HEAD_METHOD_END] ?? 0;
    const targetEnd = words[at + HEAD_TARGET_END] ?? 0;
    const fieldCount = words[at + HEAD_FIELD_COUNT] ?? 0;
    if (start + length > end || !parser.allows(length, targetEnd - methodEnd - 1, fieldCount)) return NOT_FOUND;
    this.#next = at + HEAD_WORDS + fieldCount * HEAD_FIELD_WORDS;
    const { head } = parser;
    head.length = length;
    head.isGet = methodEnd === 3 && bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54;
    head.methodStart = 0;
    head.methodEnd = methodEnd;
    head.targetStart = methodEnd + 1;
    head.queryAt = words[at + HEAD_QUERY_AT] ?? 0;
    head.targetEnd = targetEnd;
    head.minorVersion = words[at + HEAD_MINOR_VERSION] ?? 0;
    head.fieldCount = fieldCount;
    head.nameLengths = words[at + HEAD_NAME_LENGTHS] ?? 0;
    head.fieldTable = words;
    head.fieldsAt = at + HEAD_WORDS;
    const low = words[at + HEAD_FRAMING_LOW] ?? 0;
    const high = words[at + HEAD_FRAMING_HIGH] ?? 0;
    return parser.checkScanned(bytes, start, low, high, words[at + HEAD_USUAL_FIELDS] ?? 0);
  }

  /** The words of the head at `start`, which is behind the one that was taken last. */
  #find(start: number): number {
    const words = this.#words;
    let at = this.#next === NOT_FOUND ? this.#slotOf(start) : this.#next;
    while ((words[at + HEAD_LENGTH] ?? 0) > 0) {
      const headStart = words[at + HEAD_START] ?? 0;
      if (headStart === start) return at;
      if (headStart > start) return NOT_FOUND;
      at += HEAD_WORDS + (words[at + HEAD_FIELD_COUNT] ?? 0) * HEAD_FIELD_WORDS;
    }
    return NOT_FOUND;
  }

  #slotOf(start: number): number {
    const fromSlots = start - this.#receiveBytes;
    return fromSlots < 0
      ? this.#words.length - HEAD_SLOT_WORDS
      : Math.trunc(fromSlots / PREFETCH_BYTES) * HEAD_SLOT_WORDS;
  }
}
