// Fuzzes native code with libFuzzer, under AddressSanitizer and UndefinedBehaviorSanitizer. Needs clang; inputs with new
// coverage are kept in build/fuzz-NAME. `heads`: the scan of request heads, each part of which is checked byte by byte.
// `tls`: the TLS transport, with the OpenSSL of this system as the client.
//   npm run fuzz:heads                    for a minute
//   npm run fuzz:tls -- --seconds 600     for ten minutes
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coreSources, nodeHeaders } from './addon.js';
import { readArguments } from './arguments.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FLAGS = ['-std=c++17', '-g', '-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'];

/** What each target compiles, the most bytes of an input, and where its first inputs are. */
const TARGETS = {
  heads: {
    sources: () => ['test/native/fuzz/head_scan_fuzzer.cc', 'test/native/head_checks.cc', 'native/head_scan.cc'],
    flags: () => [],
    // As a prefetch slot of the kernel.
    maxBytes: 4_096,
    seeds: [join('test', 'native', 'fuzz', 'corpus')],
  },
  tls: {
    sources: () => [
      ...['fuzz/tls_fuzzer', 'back_ends', 'loopback', 'kqueue_stand_in'].map((name) => `test/native/${name}.cc`),
      ...coreSources(ROOT),
    ],
    flags: () => ['-pthread', '-isystem', 'test/native/kqueue', '-isystem', nodeHeaders()],
    // More than the largest record.
    maxBytes: 20_000,
    seeds: [],
  },
};

function fail(text) {
  process.stderr.write(`${text} (--help shows the options)\n`);
  process.exit(2);
}

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (status === 0) return;
  process.stderr.write(`${command} failed: ${error?.message ?? signal ?? status}\n`);
  process.exit(1);
}

const { values, positionals } = readArguments(import.meta.url, { seconds: { type: 'string', default: '60' } });
const { seconds } = values;
const [name] = positionals;
if (!Object.hasOwn(TARGETS, name ?? '')) fail(`name one of ${Object.keys(TARGETS).join(', ')}`);
if (!/^[1-9]\d{0,4}$/.test(seconds)) fail(`--seconds must be a whole number from 1 to 99999, not "${seconds}"`);
const { sources, flags, maxBytes, seeds } = TARGETS[name];
const folder = join('build', `fuzz-${name}`);
const program = join(folder, 'fuzzer');
mkdirSync(join(ROOT, folder, 'corpus'), { recursive: true });
run(process.env.CLANG ?? 'clang++', [...FLAGS, '-Inative', '-Itest/native', ...flags(), ...sources(), '-o', program]);
run(program, [
  `-max_total_time=${seconds}`,
  `-max_len=${maxBytes}`,
  `-artifact_prefix=${folder}/`,
  '-print_final_stats=1',
  '-verbosity=0',
  join(folder, 'corpus'),
  ...seeds,
]);
