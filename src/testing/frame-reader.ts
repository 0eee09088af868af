// Frames of the simulated transport: a type, a two-byte length, and that many bytes.

export const DATA = 1;
/** The server has read four more frames. */
export const ACK = 2;
/** The end of the data. */
export const END = 3;
/** The beginning of an encrypted connection, as a ClientHello, and the server's answer. No letter has this value. */
export const HELLO = 22;

export const FRAME_HEAD_BYTES = 3;

/** Data bytes per frame: few, so that most messages need several frames. */
const MAX_PAYLOAD_BYTES = 700;

export function frame(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.concat([Buffer.from([type, payload.length >> 8, payload.length & 0xff]), payload]);
}

/** Frames that contain `bytes`. */
export function* dataFrames(bytes: Uint8Array): Generator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += MAX_PAYLOAD_BYTES) {
    yield frame(DATA, bytes.subarray(at, at + MAX_PAYLOAD_BYTES));
  }
}

/** The length of the frame at the beginning of `bytes`; 0 if it is incomplete. */
export function frameBytes(bytes: Buffer): number {
  if (bytes.length < FRAME_HEAD_BYTES) return 0;
  const length = FRAME_HEAD_BYTES + bytes.readUInt16BE(1);
  return bytes.length < length ? 0 : length;
}

/** Reassembles frames from received bytes, and returns their data. */
export class FrameReader {
  /** A HELLO frame has come. */
  hasHello = false;
  /** An END frame has come. */
  hasEnd = false;
  #bytes: Buffer = Buffer.alloc(0);

  read(bytes: Buffer): Buffer {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    const data: Buffer[] = [];
    for (let length = frameBytes(this.#bytes); length > 0; length = frameBytes(this.#bytes)) {
      if (this.#bytes[0] === DATA) data.push(this.#bytes.subarray(FRAME_HEAD_BYTES, length));
      this.hasHello ||= this.#bytes[0] === HELLO;
      this.hasEnd ||= this.#bytes[0] === END;
      this.#bytes = this.#bytes.subarray(length);
    }
    return Buffer.concat(data);
  }
}
