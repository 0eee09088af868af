// Fuzzes the native scan of request heads with libFuzzer, under AddressSanitizer and UndefinedBehaviorSanitizer. Each
// part that the scan finds is checked byte by byte. Needs clang. Inputs with new coverage are kept in build/fuzz-heads.
//   npm run fuzz:heads                    for a minute
//   npm run fuzz:heads -- --seconds 600   for ten minutes
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from './arguments.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join('build', 'fuzz-heads');
const PROGRAM = join(FOLDER, 'fuzzer');
const SEEDS = join('test', 'native', 'fuzz', 'corpus');
const SOURCES = ['test/native/fuzz/head_scan_fuzzer.cc', 'test/native/head_checks.cc', 'native/head_scan.cc'];
const FLAGS = ['-std=c++17', '-g', '-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'];

/** As a prefetch slot of the kernel. */
const MAX_BYTES = 4_096;

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (status === 0) return;
  process.stderr.write(`${command} failed: ${error?.message ?? signal ?? status}\n`);
  process.exit(1);
}

const { seconds } = readOptions(import.meta.url, { seconds: { type: 'string', default: '60' } });
if (!/^[1-9]\d{0,4}$/.test(seconds)) {
  process.stderr.write(
    `--seconds must be a whole number from 1 to 99999, not "${seconds}" (--help shows the options)\n`,
  );
  process.exit(2);
}
mkdirSync(join(ROOT, FOLDER, 'corpus'), { recursive: true });
run(process.env.CLANG ?? 'clang++', [...FLAGS, '-Inative', '-Itest/native', ...SOURCES, '-o', PROGRAM]);
run(PROGRAM, [
  `-max_total_time=${seconds}`,
  `-max_len=${MAX_BYTES}`,
  `-artifact_prefix=${FOLDER}/`,
  '-print_final_stats=1',
  '-verbosity=0',
  join(FOLDER, 'corpus'),
  SEEDS,
]);
