// The size of content pieces that are sent between threads.

/** The overhead of a message for both threads, beside its content. */
const MESSAGE_BYTES = 256;

/** The maximum number of bytes that were sent to a protocol in another thread and are not used yet. */
export const INPUT_WINDOW_BYTES = 65_536;

/** The thread acknowledges this many input messages at once. Each takes far more memory than the byte it may carry. */
export const INPUT_BATCH = 128;

/**
 * The weight of `content` until the client has received it. Text counts by its length, since it is not encoded for
 * this.
 */
export function messageWeight(content: string | Uint8Array): number {
  return content.length + MESSAGE_BYTES;
}

/** Returns exactly the bytes of `content`: a message copies the whole buffer behind a view. */
export function exactBytes<T extends string | Uint8Array | null>(content: T): T | Uint8Array {
  return content instanceof Uint8Array && content.byteLength !== content.buffer.byteLength
    ? new Uint8Array(content)
    : content;
}
