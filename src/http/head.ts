// The parts of a request head, as offsets into its bytes: filled by the parser, copied by a request that is retained.

/** Words a field takes in {@link Head.fieldTable}: name start and end, value start and end. */
export const FIELD_WORDS = 4;

/**
 * Words of a block for copied field tables. A typed array for each copy costs 2,800 instructions on Node 20; a block
 * lives as long as any of the requests that share it.
 */
const BLOCK_WORDS = 2_048;

let block = new Int32Array(0);
let blockUsed = 0;

/** Copies `table[start, end)` into a block, and returns where it begins there. */
function copyWords(table: Int32Array, start: number, end: number): number {
  const count = end - start;
  if (blockUsed + count > block.length) {
    block = new Int32Array(Math.max(BLOCK_WORDS, count));
    blockUsed = 0;
  }
  const target = block;
  const at = blockUsed;
  for (let i = 0; i < count; i++) target[at + i] = table[start + i] ?? 0;
  blockUsed = at + count;
  return at;
}

/** Offsets count from the head's first byte. */
export class Head {
  /** The words of the fields begin at {@link fieldsAt}. Other words in it belong to other heads. */
  fieldTable: Int32Array;
  fieldsAt = 0;
  fieldCount = 0;
  /**
   * Bit n: a field name has n bytes, modulo 32. Most fields that are looked up are absent, and need no search. Without
   * this, a request for a file with mixed heads takes 12 % more instructions.
   */
  nameLengths = 0;
  /** Bytes of the head, its empty line included. */
  length = 0;
  /** The method is GET, the usual case: no string is made of it (1.7 % of a request for a file with mixed heads). */
  isGet = false;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** The offset of the target's `?`, or `targetEnd`. */
  queryAt = 0;
  /** HTTP/1.0 or HTTP/1.1; a higher minor version is served as 1.1 (RFC 9110 section 2.5). */
  minorVersion = 1;
  /** The declared length of the body; -1: none declared. */
  contentLength = -1;
  chunked = false;
  /** Whether the client wants the connection to persist after this request. */
  keepAlive = true;
  expectsContinue = false;

  constructor(fieldTable: Int32Array) {
    this.fieldTable = fieldTable;
  }

  /** Clears what only some heads set, before the next head. */
  reset(): void {
    this.fieldCount = 0;
    this.nameLengths = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.expectsContinue = false;
  }

  addField(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const entry = this.fieldCount * FIELD_WORDS;
    const table = this.fieldTable;
    table[entry] = nameStart;
    table[entry + 1] = nameEnd;
    table[entry + 2] = valueStart;
    table[entry + 3] = valueEnd;
    this.fieldCount++;
    this.nameLengths |= 1 << (nameEnd - nameStart);
  }

  /** A copy that does not change when the parser goes on. */
  copy(): Head {
    const fieldsAt = copyWords(this.fieldTable, this.fieldsAt, this.fieldsAt + this.fieldCount * FIELD_WORDS);
    const copy = new Head(block);
    copy.fieldsAt = fieldsAt;
    copy.fieldCount = this.fieldCount;
    copy.nameLengths = this.nameLengths;
    copy.length = this.length;
    copy.isGet = this.isGet;
    copy.methodStart = this.methodStart;
    copy.methodEnd = this.methodEnd;
    copy.targetStart = this.targetStart;
    copy.targetEnd = this.targetEnd;
    copy.queryAt = this.queryAt;
    copy.minorVersion = this.minorVersion;
    copy.contentLength = this.contentLength;
    copy.chunked = this.chunked;
    copy.keepAlive = this.keepAlive;
    copy.expectsContinue = this.expectsContinue;
    return copy;
  }
}

/** Whether the method is HEAD, whose responses have no content. */
export function isHeadRequest(bytes: Uint8Array, base: number, head: Head): boolean {
  const at = base + head.methodStart;
  return (
    !head.isGet &&
    head.methodEnd - head.methodStart === 4 &&
    bytes[at] === 0x48 &&
    bytes[at + 1] === 0x45 &&
    bytes[at + 2] === 0x41 &&
    bytes[at + 3] === 0x44
  );
}
