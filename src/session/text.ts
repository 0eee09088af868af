// Small pieces of wire text: short ASCII content, chunk heads, the last chunk (RFC 9112 section 7.1).

/** Up to here a loop over characters beats the call into C++ (measured on Node 20). */
export const ASCII_LOOP_BYTES = 64;

/** Bytes of `text` in UTF-8. */
export function utf8Length(text: string): number {
  if (text.length > ASCII_LOOP_BYTES) return Buffer.byteLength(text);
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) return Buffer.byteLength(text);
  }
  return text.length;
}

/** Writes a string that is known to be ASCII. */
export function writeAscii(target: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
}

/** The end of a chunked body without trailers. */
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n', 'latin1');

/** What stands behind a chunk's data. */
export const CHUNK_END: Buffer = Buffer.from('\r\n', 'latin1');

/** Eight hexadecimal digits and CRLF. */
export const MAX_CHUNK_LINE_BYTES = 10;

/** Writes the line in front of a chunk's data; returns where it ends. */
export function writeChunkLine(target: Uint8Array, at: number, size: number): number {
  const line = `${size.toString(16)}\r\n`;
  writeAscii(target, at, line);
  return at + line.length;
}
