// Reads the dynamic symbols and the program headers of a 64-bit, little-endian ELF file (elf(5)).

const SHT_DYNSYM = 11;
const SYMBOL_BYTES = 24;
const SHN_UNDEF = 0;

/** Headers of one table: `count` of them, `size` bytes each, from `start` on. */
function headers(file, start, size, count) {
  return Array.from({ length: count }, (_, index) => file.subarray(start + index * size, start + (index + 1) * size));
}

/** e_machine. */
export function machineOf(file) {
  return file.readUInt16LE(18);
}

/** p_type of each segment. */
export function segmentTypes(file) {
  const table = headers(file, Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56));
  return table.map((header) => header.readUInt32LE(0));
}

/** The names that the file offers to others. */
export function exportedNames(file) {
  const sections = headers(file, Number(file.readBigUInt64LE(40)), file.readUInt16LE(58), file.readUInt16LE(60));
  const table = sections.find((section) => section.readUInt32LE(4) === SHT_DYNSYM);
  if (table === undefined) throw new Error('no dynamic symbols');
  const [from, bytes] = [24, 32].map((offset) => Number(table.readBigUInt64LE(offset)));
  const strings = Number(sections[table.readUInt32LE(40)].readBigUInt64LE(24));
  const symbols = headers(file, from, SYMBOL_BYTES, bytes / SYMBOL_BYTES);
  return symbols
    .filter((symbol) => symbol.readUInt16LE(6) !== SHN_UNDEF)
    .map((symbol) => strings + symbol.readUInt32LE(0))
    .map((start) => file.toString('latin1', start, file.indexOf(0, start)));
}
