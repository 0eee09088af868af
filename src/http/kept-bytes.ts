// Bytes that have to outlive the arena they lie in: copied one behind the other into blocks, without a view of their
// own, which costs more to make than most heads to copy. It must not know what they say.

/** Bytes of a block. Whoever keeps some of them keeps the block, as with Buffer's pool, which is as large. */
const BLOCK_BYTES = 8_192;

/** More are copied by the engine, with a view of them: measured on Node 20, a loop takes as long for about 500. */
const LOOP_BYTES = 512;

export class KeptBytes {
  /** Where the bytes lie that were kept last. */
  block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #used = 0;

  /** Copies `bytes[start, end)`. Returns where they begin in {@link block}, and nobody changes them any more. */
  keep(bytes: Buffer, start: number, end: number): number {
    const length = end - start;
    if (this.#used + length > this.block.length) {
      this.block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, length));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    const { block } = this;
    if (length > LOOP_BYTES) block.set(bytes.subarray(start, end), at);
    else for (let i = 0; i < length; i++) block[at + i] = bytes[start + i] ?? 0;
    return at;
  }
}
