// Reads the symbol table of a 64-bit Mach-O file (loader.h and nlist.h of the XNU sources).

const MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const LC_SYMTAB = 2;
const LC_CODE_SIGNATURE = 0x1d;
const SYMBOL_BYTES = 16;

/** Fields of n_type: a debugger's entry, the kind, and whether the symbol is external. */
const N_STAB = 0xe0;
const N_TYPE = 0x0e;
const N_EXT = 0x01;
const N_PEXT = 0x10;

/** In n_desc: the symbol is looked up at load time in all libraries, not in a specific one. */
const DYNAMIC_LOOKUP_ORDINAL = 0xfe;

/** The offset of the load command of a kind; null: the file has none. */
function findCommand(file, kind) {
  if (file.readUInt32LE(0) !== MAGIC_64) throw new Error('not a 64-bit Mach-O file');
  const commands = file.readUInt32LE(16);
  for (let i = 0, at = HEADER_BYTES; i < commands; i++, at += file.readUInt32LE(at + 4)) {
    if (file.readUInt32LE(at) === kind) return at;
  }
  return null;
}

function symbolTable(file) {
  const at = findCommand(file, LC_SYMTAB);
  if (at === null) throw new Error('no symbol table');
  const [symbols, count, strings] = [8, 12, 16].map((offset) => file.readUInt32LE(at + offset));
  return { symbols, count, strings };
}

/** The symbols that the file exports, and those that it imports; `isDynamic`: resolved by the loading process. */
export function symbolsOf(file) {
  const { symbols, count, strings } = symbolTable(file);
  const exported = [];
  const undefinedSymbols = [];
  for (let at = symbols; at < symbols + count * SYMBOL_BYTES; at += SYMBOL_BYTES) {
    const type = file.readUInt8(at + 4);
    if ((type & N_STAB) !== 0 || (type & N_EXT) === 0) continue;
    const start = strings + file.readUInt32LE(at);
    const name = file.toString('latin1', start, file.indexOf(0, start));
    if ((type & N_TYPE) !== 0) {
      if ((type & N_PEXT) === 0) exported.push(name);
    } else {
      undefinedSymbols.push({ name, isDynamic: file.readUInt16LE(at + 6) >> 8 === DYNAMIC_LOOKUP_ORDINAL });
    }
  }
  return { exported, undefinedSymbols, isSigned: findCommand(file, LC_CODE_SIGNATURE) !== null };
}
