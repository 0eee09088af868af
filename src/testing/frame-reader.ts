// The frames of the simulated transport: a type, a length in two bytes, and that many bytes.

export const DATA = 1;
/** The server has read four frames more. */
export const ACK = 2;
/** Nothing follows. */
export const END = 3;

export const FRAME_HEAD_BYTES = 3;

/** Bytes of data in one frame: few, so that most messages need several. */
const MAX_PAYLOAD_BYTES = 700;

export function frame(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.concat([Buffer.from([type, payload.length >> 8, payload.length & 0xff]), payload]);
}

/** Frames that carry `bytes`. */
export function* dataFrames(bytes: Uint8Array): Generator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += MAX_PAYLOAD_BYTES) {
    yield frame(DATA, bytes.subarray(at, at + MAX_PAYLOAD_BYTES));
  }
}

/** The length of the frame at the beginning of `bytes`, if it is there whole; else 0. */
export function frameBytes(bytes: Buffer): number {
  if (bytes.length < FRAME_HEAD_BYTES) return 0;
  const length = FRAME_HEAD_BYTES + bytes.readUInt16BE(1);
  return bytes.length < length ? 0 : length;
}

/** Puts frames together from bytes as they come, and gives the data in them. */
export class FrameReader {
  #bytes: Buffer = Buffer.alloc(0);

  read(bytes: Buffer): Buffer {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    const data: Buffer[] = [];
    for (let length = frameBytes(this.#bytes); length > 0; length = frameBytes(this.#bytes)) {
      if (this.#bytes[0] === DATA) data.push(this.#bytes.subarray(FRAME_HEAD_BYTES, length));
      this.#bytes = this.#bytes.subarray(length);
    }
    return Buffer.concat(data);
  }
}
