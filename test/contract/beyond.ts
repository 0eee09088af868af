// Ranges that are not inside an arena.

/** Offsets and lengths that reach beyond `size`, some only after a conversion to 32 bits. */
export function beyond(size: number): (readonly [number, number])[] {
  return [
    [0, size + 1],
    [size, 1],
    [size + 1, 0],
    [1, size],
    [0xffff_ffff, 2],
    [-1, 1],
    [0, -1],
    [2 ** 31, 2 ** 31],
  ];
}
