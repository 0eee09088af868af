// Runs all checks: format, lint, types, types of consumers, regular expressions, C++ warnings, native tests, ten
// seconds of fuzzing, instructions per request, tests of tools, and tests. Run by `npm run check`; stops at the first step that fails
// and prints its output. CHECK_NO_TESTS=1 skips the tests of `npm test`. TEST_BUILD=1: all is built, and is not built again.
// Steps of C++ run beside the others.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { findPerf } from '../bench/instructions.js';
import { coreSources, NODE_SIDE, nodeHeaders } from './addon.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

const NATIVE_TESTS = join('build', 'native-tests');
/** A source of other systems that compiles here too, and is never linked. */
const COMPILED_ELSEWHERE = ['native/file_other.cc'];
const STRICT = ['-std=c++17', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror'];
const SANITIZERS = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const COMPILER = process.env.CXX ?? 'g++';

const running = new Set();

/** Runs a program and resolves to its output; exits when it fails. */
async function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const problem = await once(child, 'close').then(
    ([code, signal]) => (code === 0 ? '' : `ended with ${signal ?? code}`),
    (error) => error.message,
  );
  running.delete(child);
  const [out, err] = await output;
  if (problem === '') return out;
  for (const other of running) other.kill();
  process.stdout.write(`${out}${err}\nFAILED: ${command} ${args.slice(0, 3).join(' ')} ... ${problem}\n`);
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

async function checkCppFormat() {
  if (spawnSync('clang-format', ['--version']).status !== 0) return 'not checked: clang-format is not installed';
  const files = ['native', 'test/native'].flatMap((folder) => [...filesOf(folder, '.cc'), ...filesOf(folder, '.h')]);
  await run('clang-format', ['--dry-run', '-Werror', ...files]);
  return `${files.length} files`;
}

/** Compiles the Node-API edge and the bridge to libuv, if their headers are installed. */
async function checkNodeSide() {
  const include = join(dirname(dirname(process.execPath)), 'include', 'node');
  if (!existsSync(join(include, 'uv.h'))) return `not checked: no headers in ${include}`;
  const addonApi = dirname(require.resolve('node-addon-api/package.json'));
  const defines = ['-DNAPI_VERSION=8', '-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', '-fno-exceptions'];
  const includes = ['-isystem', include, '-isystem', addonApi];
  // The declarations of NAPI_MODULE have unused parameters, which -Wextra reports in our file.
  await run(COMPILER, [...STRICT, '-Wno-unused-parameter', '-fsyntax-only', ...defines, ...includes, ...NODE_SIDE]);
  return NODE_SIDE.join(', ');
}

async function buildNativeTests() {
  mkdirSync(join(root, 'build'), { recursive: true });
  const core = coreSources(root);
  await run(COMPILER, [...STRICT, '-fsyntax-only', ...COMPILED_ELSEWHERE]);
  const tests = filesOf('test/native', '.cc');
  await run(COMPILER, [
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
  return run(process.execPath, [join('bench', 'guard.js')]);
}

const CPP_STEPS = [
  ['C++ format', checkCppFormat],
  ['C++ warnings of the Node side', checkNodeSide],
  ['native tests: build', buildNativeTests],
  ['native tests: run', () => run(NATIVE_TESTS, [])],
];

const OTHER_STEPS = [
  ['format and lint', () => run(join('node_modules', '.bin', 'biome'), ['check', '--colors=off', '.'])],
  ['types', () => runNode('typescript', join('bin', 'tsc'), ['--noEmit', '-p', 'tsconfig.json'])],
  ['types of consumers', () => run(process.execPath, [join('scripts', 'check-types.js')])],
  ['regular expressions', () => run(process.execPath, [join('scripts', 'check-regexps.js')])],
  // A fixed seed, so that the bytes are always the same; `npm run fuzz` draws another.
  ['fuzz', () => run(process.execPath, [join('scripts', 'fuzz.js'), '--seconds', '10', '--seed', '1'])],
  ['instructions of a request', guardInstructions],
  ['tests of tools', () => run('npm', ['run', '--silent', 'test:tools'])],
];

/** Runs steps one after the other; prints each with its output when it has ended. */
async function runSteps(steps) {
  for (const [name, step] of steps) {
    const output = (await step()).trim();
    process.stdout.write(`== ${name}\n${output === '' ? '' : `${output}\n`}`);
  }
}

if (process.env.TEST_BUILD !== '1') await runSteps([['build', () => run('npm', ['run', '--silent', 'build'])]]);
await Promise.all([runSteps(OTHER_STEPS), runSteps(CPP_STEPS)]);
if (process.env.CHECK_NO_TESTS !== '1') await runSteps([['tests', () => run('npm', ['test', '--silent'])]]);
process.stdout.write('== all checks passed\n');
