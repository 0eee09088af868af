// Runs all checks: format, lint, types, types of consumers, regular expressions, C++ warnings, native tests, ten
// seconds of fuzzing, instructions per request, and tests. Run by `npm run check`; stops at the first step that fails
// and prints its output. CHECK_NO_TESTS=1 skips the tests of `npm test`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPerf } from '../bench/instructions.js';
import { NODE_SIDE, nodeHeaders } from './addon.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

const NATIVE_TESTS = join('build', 'native-tests');
/** Sources of other systems; `file_other` also compiles here, but is never linked. */
const COMPILED_ELSEWHERE = ['native/file_other.cc'];
const FOREIGN = [...COMPILED_ELSEWHERE, 'native/system_bsd.cc'];
const STRICT = ['-std=c++17', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror'];
const SANITIZERS = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const COMPILER = process.env.CXX ?? 'g++';

/** Runs a program and returns its output; exits when it fails. */
function run(command, args, env = {}) {
  const options = { cwd: root, encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 2 ** 28 };
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, options);
  if (status === 0) return stdout;
  process.stdout.write(`${stdout ?? ''}${stderr ?? ''}`);
  const outcome = error === undefined ? `ended with ${signal ?? status}` : error.message;
  process.stdout.write(`\nFAILED: ${command} ${args.slice(0, 3).join(' ')} ... ${outcome}\n`);
  process.exit(1);
}

/** Runs a program of node_modules, by its package and file. */
function runNode(packageName, file, args) {
  return run(process.execPath, [join(dirname(require.resolve(`${packageName}/package.json`)), file), ...args]);
}

function filesOf(folder, extension) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => `${folder}/${name}`);
}

function checkCppFormat() {
  if (spawnSync('clang-format', ['--version']).status !== 0) return 'not checked: clang-format is not installed';
  const files = ['native', 'test/native'].flatMap((folder) => [...filesOf(folder, '.cc'), ...filesOf(folder, '.h')]);
  run('clang-format', ['--dry-run', '-Werror', ...files]);
  return `${files.length} files`;
}

/** Compiles the Node-API edge and the bridge to libuv, if their headers are installed. */
function checkNodeSide() {
  const include = join(dirname(dirname(process.execPath)), 'include', 'node');
  if (!existsSync(join(include, 'uv.h'))) return `not checked: no headers in ${include}`;
  const addonApi = dirname(require.resolve('node-addon-api/package.json'));
  const defines = ['-DNAPI_VERSION=8', '-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', '-fno-exceptions'];
  const includes = ['-isystem', include, '-isystem', addonApi];
  // The declarations of NAPI_MODULE have unused parameters, which -Wextra reports in our file.
  run(COMPILER, [...STRICT, '-Wno-unused-parameter', '-fsyntax-only', ...defines, ...includes, ...NODE_SIDE]);
  return NODE_SIDE.join(', ');
}

function buildNativeTests() {
  mkdirSync(join(root, 'build'), { recursive: true });
  const core = filesOf('native', '.cc').filter((file) => ![...NODE_SIDE, ...FOREIGN].includes(file));
  run(COMPILER, [...STRICT, '-fsyntax-only', ...COMPILED_ELSEWHERE]);
  const tests = filesOf('test/native', '.cc');
  run(COMPILER, [
    ...STRICT,
    ...SANITIZERS,
    '-pthread',
    '-Inative',
    '-Itest/native',
    '-isystem',
    'test/native/kqueue',
    '-isystem',
    nodeHeaders(),
    ...core,
    ...tests,
    '-o',
    NATIVE_TESTS,
  ]);
  return `${core.length + tests.length} files, AddressSanitizer and UndefinedBehaviorSanitizer`;
}

/** Valgrind would take minutes: the nightly workflow runs it. */
async function guardInstructions() {
  if ((await findPerf()) === null) return 'not checked: counting instructions quickly needs perf';
  return run('npm', ['run', '--silent', 'bench:guard']);
}

const STEPS = [
  ['format and lint', () => run(join('node_modules', '.bin', 'biome'), ['check', '--colors=off', '.'])],
  ['C++ format', checkCppFormat],
  ['types', () => runNode('typescript', join('bin', 'tsc'), ['--noEmit', '-p', 'tsconfig.json'])],
  ['types of consumers', () => run(process.execPath, [join('scripts', 'check-types.js')])],
  ['regular expressions', () => run(process.execPath, [join('scripts', 'check-regexps.js')])],
  ['C++ warnings of the Node side', checkNodeSide],
  ['native tests: build', buildNativeTests],
  ['native tests: run', () => run(NATIVE_TESTS, [])],
  // A fixed seed, so that the bytes are always the same; `npm run fuzz` draws another.
  ['fuzz', () => run('npm', ['run', '--silent', 'fuzz', '--', '--seconds', '10', '--seed', '1'])],
  ['instructions of a request', guardInstructions],
  ['tests', () => run('npm', ['test', '--silent'])],
];

for (const [name, step] of STEPS) {
  if (name === 'tests' && process.env.CHECK_NO_TESTS === '1') continue;
  process.stdout.write(`== ${name}\n`);
  const output = (await step()).trim();
  if (output !== '') process.stdout.write(`${output}\n`);
}
process.stdout.write('== all checks passed\n');
