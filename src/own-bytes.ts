// Gives bytes an ArrayBuffer of their own, which they do not share.

/** Returns the bytes in an ArrayBuffer of exactly their length: the same one when it has that length already. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}
