// Everything that is checked besides building: format, lint, types, consumers' types, regular expressions, C++ warnings, native tests,
// ten seconds of fuzzing, instructions of a request, tests. Run by `npm run check`; ends at the first step that fails, with what that step said.
// CHECK_NO_TESTS=1 leaves out the tests of `npm test`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPerf } from '../bench/instructions.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

const NATIVE_TESTS = join('build', 'native-tests');
/** What needs Node's headers: the rest is the native core, tested without Node. */
const NODE_SIDE = ['addon', 'file_calls', 'file_jobs', 'kernel_object', 'loop_bridge'].map(
  (name) => `native/${name}.cc`,
);
/** What another system has instead; `file_other` is compiled here too, as far as the headers allow, never linked. */
const COMPILED_ELSEWHERE = ['native/file_other.cc'];
const FOREIGN = [...COMPILED_ELSEWHERE, 'native/system_bsd.cc'];
const STRICT = ['-std=c++17', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror'];
const SANITIZERS = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const COMPILER = process.env.CXX ?? 'g++';

/** Runs a program and ends this process when it fails; returns what it wrote. */
function run(command, args, env = {}) {
  const options = { cwd: root, encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 2 ** 28 };
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, options);
  if (status === 0) return stdout;
  process.stdout.write(`${stdout ?? ''}${stderr ?? ''}`);
  const how = error === undefined ? `ended with ${signal ?? status}` : error.message;
  process.stdout.write(`\nFAILED: ${command} ${args.slice(0, 3).join(' ')} ... ${how}\n`);
  process.exit(1);
}

/** A program of node_modules, by the package and the file in it. */
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
  if (spawnSync('clang-format', ['--version']).status !== 0) return 'clang-format is not installed: not checked';
  const files = ['native', 'test/native'].flatMap((folder) => [...filesOf(folder, '.cc'), ...filesOf(folder, '.h')]);
  run('clang-format', ['--dry-run', '-Werror', ...files]);
  return `${files.length} files`;
}

/** The Node-API edge and the bridge to libuv, as far as their headers are here. */
function checkNodeSide() {
  const include = join(dirname(dirname(process.execPath)), 'include', 'node');
  if (!existsSync(join(include, 'uv.h'))) return `no headers in ${include}: not checked`;
  const addonApi = dirname(require.resolve('node-addon-api/package.json'));
  const defines = ['-DNAPI_VERSION=8', '-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', '-fno-exceptions'];
  const includes = ['-isystem', include, '-isystem', addonApi];
  // NAPI_MODULE's own declarations have unused parameters, and -Wextra sees them in our file.
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
    ...core,
    ...tests,
    '-o',
    NATIVE_TESTS,
  ]);
  return `${core.length + tests.length} files, AddressSanitizer and UndefinedBehaviorSanitizer`;
}

/** Valgrind would take minutes: that is for the nightly workflow. */
async function guardInstructions() {
  if ((await findPerf()) === null) return 'instructions cannot be counted quickly here: not checked';
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
  // One seed, so that the bytes are the same every time; `npm run fuzz` draws another.
  ['fuzz', () => run('npm', ['run', '--silent', 'fuzz', '--', '--seconds', '10', '--seed', '1'])],
  ['instructions of a request', guardInstructions],
  ['tests', () => run('npm', ['test', '--silent'])],
];

for (const [name, step] of STEPS) {
  if (name === 'tests' && process.env.CHECK_NO_TESTS === '1') continue;
  process.stdout.write(`== ${name}\n`);
  const said = (await step()).trim();
  if (said !== '') process.stdout.write(`${said}\n`);
}
process.stdout.write('== all checks passed\n');
