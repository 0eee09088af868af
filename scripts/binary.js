// What a compiled addon shows from outside: its processor, the symbols that it needs, and those that it exports. Reads
// ELF and Mach-O.
import { exportedNames, machineOf, segmentTypes } from './elf.js';
import { symbolsOf } from './mach-o.js';

/** e_machine of ELF, cputype of Mach-O. */
const ELF_MACHINES = { x64: 62, arm64: 183 };
const MACH_O_PROCESSORS = { x64: 0x0100_0007, arm64: 0x0100_000c };

/** The glibc of the oldest system that Node.js 20 runs on. */
const MAX_GLIBC = [2, 28];

/** Names that macOS does not have. */
const LINUX_ONLY = /^_(?:epoll_|accept4$|eventfd|signalfd|openat2|sendfile64$|__errno_location)/;
const ASKED_ON_MAC = ['_kqueue', '_kevent', '_napi_create_function', '_napi_make_callback', '_uv_poll_start'];
/** What the process that loads the addon brings: Node.js, libuv, and the C++ runtime of macOS (libc++, libc++abi). */
const OF_THE_PROCESS = /^_(?:napi_|node_api_|uv_|_ZNK?St3__1|_Zn[aw]m$|_Zd[al]Pv$)/;

function glibcProblems(text) {
  const versions = [...text.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)]);
  const isNewer = ([major, minor]) => major > MAX_GLIBC[0] || (major === MAX_GLIBC[0] && minor > MAX_GLIBC[1]);
  return versions.filter(isNewer).map(([major, minor]) => `needs glibc ${major}.${minor}`);
}

/** Thread-local data: an errno of its own, say, that no library sets (scripts/glibc-stat.cc). */
const PT_TLS = 7;

/** All that Node.js looks for; anything else should be hidden. */
const ENTRY = 'napi_register_module_v1';
const OFFERED = [ENTRY, 'node_api_module_get_api_version_v1'];

function exportProblems(names) {
  const others = names.filter((name) => !OFFERED.includes(name));
  return [
    ...(names.includes(ENTRY) ? [] : ['has no entry']),
    ...(others.length > 0 ? [`shows ${others.slice(0, 3).join(', ')} and others: ${others.length}`] : []),
  ];
}

function elfProblems(file, arch, libc) {
  if (file.toString('latin1', 0, 4) !== '\x7fELF') return ['is no ELF file'];
  const text = file.toString('latin1');
  return [
    ...(machineOf(file) === ELF_MACHINES[arch] ? [] : ['is for another processor']),
    ...glibcProblems(text),
    ...(text.includes('GLIBC_') === (libc === 'glibc') ? [] : [`is not for ${libc}`]),
    ...['libstdc++.so', 'libgcc_s.so', 'libc++.so']
      .filter((name) => text.includes(name))
      .map((name) => `needs ${name}`),
    ...(segmentTypes(file).includes(PT_TLS) ? ['has thread-local data of its own'] : []),
    ...(text.includes('.symtab') ? ['is not stripped'] : []),
    ...exportProblems(exportedNames(file)),
  ];
}

function machOProblems(file, arch) {
  const { exported, undefinedSymbols, isSigned } = symbolsOf(file);
  const names = undefinedSymbols.map(({ name }) => name);
  const foreign = undefinedSymbols.filter(({ name, isDynamic }) => isDynamic && !OF_THE_PROCESS.test(name));
  return [
    ...(file.readUInt32LE(4) === MACH_O_PROCESSORS[arch] ? [] : ['is for another processor']),
    ...ASKED_ON_MAC.filter((name) => !names.includes(name)).map((name) => `does not ask for ${name}`),
    ...names.filter((name) => LINUX_ONLY.test(name)).map((name) => `${name} does not exist on macOS`),
    ...foreign.map(({ name }) => `nothing has ${name}`),
    // Each name of C has a _ in front of it there.
    ...exportProblems(exported.map((name) => name.slice(1))),
    // Processors of Apple load nothing that is not signed, if only by the linker.
    ...(arch === 'arm64' && !isSigned ? ['is not signed'] : []),
  ];
}

/** What is wrong with the binary for the target `name` (`linux-x64-glibc`), in words. */
export function binaryProblems(file, name) {
  const [platform, arch, libc] = name.split('-');
  return platform === 'darwin' ? machOProblems(file, arch) : elfProblems(file, arch, libc);
}
