// A set of field names that a handler looks up together. Nearly all requests have none of them, which one comparison
// finds.

export class FieldNames {
  /** In lower case. */
  readonly names: readonly string[];
  /** Bit n: a name has n bytes, modulo 32; see `Head.nameLengths`. */
  readonly lengths: number;

  constructor(...names: readonly string[]) {
    this.names = names.map((name) => name.toLowerCase());
    this.lengths = names.reduce((lengths, name) => lengths | (1 << name.length), 0);
  }
}
