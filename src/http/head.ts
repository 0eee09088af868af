// The parts of a request head, as offsets into its bytes: filled by the parser, copied by a request that is retained.

/** Words a field takes in {@link Head.fieldTable}: name start and end, value start and end. */
export const FIELD_WORDS = 4;

/** Offsets count from the head's first byte. */
export class Head {
  readonly fieldTable: Int32Array;
  fieldCount = 0;
  /**
   * Bit n: a field name has n bytes, modulo 32. Most fields that are looked up are absent, and need no search. Without
   * this, a file's request of mixed clients takes 12 % more instructions.
   */
  nameLengths = 0;
  /** Bytes of the head, its empty line included. */
  length = 0;
  /** The method is GET, the usual case: no string is made of it (1.7 % of a file's request of mixed clients). */
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
    const copy = new Head(this.fieldTable.slice(0, this.fieldCount * FIELD_WORDS));
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
