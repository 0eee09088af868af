// Small pieces of wire text: short ASCII content, chunk heads, the last chunk (RFC 9112 section 7.1).

/** Up to this length, a loop over characters beats the call into C++ (measured on Node 20). */
const ASCII_LOOP_BYTES = 64;

/** Whether `text` is short enough for such a loop. */
export function isShort(text: string): boolean {
  return text !== '' && text.length <= ASCII_LOOP_BYTES;
}

/** Writes `text` if it is ASCII. Otherwise returns false after it may have written a part. */
export function writeAscii(target: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return false;
    target[at + i] = code;
  }
  return true;
}

/** Writes `text` as UTF-8 and returns its bytes. */
export function writeText(target: Buffer, at: number, text: string): number {
  if (text === '') return 0;
  return isShort(text) && writeAscii(target, at, text) ? text.length : target.write(text, at, 'utf8');
}

/** The end of a chunked body without trailers. */
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n', 'latin1');

/** The end of the data of a chunk. */
export const CHUNK_END: Buffer = Buffer.from('\r\n', 'latin1');

/** Eight hexadecimal digits and CRLF. */
export const MAX_CHUNK_LINE_BYTES = 10;

/** Writes the chunk size line; returns where it ends. */
export function writeChunkLine(target: Uint8Array, at: number, size: number): number {
  const line = `${size.toString(16)}\r\n`;
  writeAscii(target, at, line);
  return at + line.length;
}
