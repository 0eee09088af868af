// A piece of content on its way between threads. It must not know requests.

/** What a message costs both threads besides its content. */
const MESSAGE_BYTES = 256;

/** Bytes for a protocol in another thread that it has not used yet, at most. */
export const INPUT_WINDOW_BYTES = 65_536;

/** The thread acknowledges so many messages of input at once. Each costs far more memory than the byte it may carry. */
export const INPUT_BATCH = 128;

/** What counts as written until the client has taken `content`. Text counts by its length: it is not encoded for this. */
export function messageWeight(content: string | Uint8Array): number {
  return content.length + MESSAGE_BYTES;
}

/** The bytes of `content` and no others: a message copies all of the memory that a view is of. */
export function exactBytes<T extends string | Uint8Array | null>(content: T): T | Uint8Array {
  return content instanceof Uint8Array && content.byteLength !== content.buffer.byteLength
    ? new Uint8Array(content)
    : content;
}
