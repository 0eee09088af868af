// How the addon is compiled without node-gyp: for other machines (`npm run prebuild`), with sanitizers
// (scripts/memory.js), and from an installed package (scripts/compile.js). Sources, defines and flags are those of
// binding.gyp, by which node-gyp compiles it in a clone. Needs Node.js, node-addon-api and a C++ compiler.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** Sources that include the headers of Node.js; the rest is tested without Node.js. */
export const NODE_SIDE = ['addon', 'file_calls', 'file_jobs', 'kernel_object', 'loop_bridge', 'tls_calls'].map(
  (name) => `native/${name}.cc`,
);

/** Sources of other systems. */
const FOREIGN = ['native/file_other.cc', 'native/system_bsd.cc'];

/** The sources that run on this system without Node.js, as native tests compile them. */
export function coreSources(root) {
  const names = readdirSync(join(root, 'native')).filter((name) => name.endsWith('.cc'));
  const files = names.sort().map((name) => `native/${name}`);
  return files.filter((file) => ![...NODE_SIDE, ...FOREIGN].includes(file));
}

/** What node-gyp adds to the flags of binding.gyp. */
const ADDED_BY_NODE_GYP = ['-fPIC', '-pthread', '-fno-omit-frame-pointer', '-DNODE_GYP_MODULE_NAME=epoll_server'];

/** What gyp calls the platforms of Node.js. */
const GYP_SYSTEMS = { linux: 'linux', darwin: 'mac' };

export const LINK = {
  linux: ['-shared', '-pthread', '-Wl,-soname=epoll_server.node', '-Wl,--version-script=native/exports.map'],
  darwin: ['-shared', '-Wl,-undefined,dynamic_lookup'],
};

/** Only `npm run prebuild` compiles it, for glibc. */
export const GLIBC_STAT = 'scripts/glibc-stat.cc';

/** binding.gyp of a clone; an installed package has a copy, since installers build a package that has the file itself. */
function bindingOf(root) {
  const found = ['binding.gyp', join('prebuilds', 'binding.gyp')].find((name) => existsSync(join(root, name)));
  if (found === undefined) throw new Error(`binding.gyp is not in ${root}`);
  const [target] = JSON.parse(readFileSync(join(root, found), 'utf8')).targets;
  return target;
}

/** Whether a condition of binding.gyp, `OS=='linux'` or `OS!='linux'`, holds for a platform of Node.js. */
function holds(condition, platform) {
  const [, operator, system] = /^OS([!=]=)'(\w+)'$/.exec(condition) ?? [];
  if (system === undefined) throw new Error(`a condition of binding.gyp is not understood: ${condition}`);
  return (GYP_SYSTEMS[platform] === system) === (operator === '==');
}

/** The sources for a platform, relative to `root`. */
export function addonSources(root, platform) {
  const { sources, conditions } = bindingOf(root);
  const more = conditions.filter(([condition]) => holds(condition, platform));
  return [...sources, ...more.flatMap(([, settings]) => settings.sources ?? [])];
}

/** The flags for a platform. Include folders of binding.gyp are commands for gyp: ours are {@link includes}. */
function flagsOf(root) {
  const { defines, cflags_cc: flags } = bindingOf(root);
  const own = flags.filter((flag) => flag !== '-isystem' && !flag.startsWith('<!'));
  return [...own, ...defines.map((name) => `-D${name}`), ...ADDED_BY_NODE_GYP];
}

/** A digest of all that is compiled: binaries with another one are stale. */
export function sourceDigest(root) {
  const files = readdirSync(join(root, 'native')).sort();
  const hash = createHash('sha256').update(JSON.stringify([bindingOf(root), addonApiVersion(), LINK]));
  for (const name of [...files.map((file) => `native/${file}`), GLIBC_STAT]) {
    hash.update(`${name}\n`).update(readFileSync(join(root, name)));
  }
  return hash.digest('hex');
}

function addonApiVersion() {
  return require('node-addon-api/package.json').version;
}

/** Where the headers of the running Node.js may lie: beside it, a distribution's, or fetched by node-gyp. */
function headerFolders() {
  const { npm_config_nodedir: configured, XDG_CACHE_HOME: xdg } = process.env;
  const cache = process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');
  return [
    ...(configured ? [join(configured, 'include', 'node')] : []),
    join(dirname(dirname(process.execPath)), 'include', 'node'),
    '/usr/include/node',
    '/usr/include/nodejs/src',
    join(xdg || cache, 'node-gyp', process.versions.node, 'include', 'node'),
  ];
}

/**
 * The headers of Node.js, among which are those of OpenSSL.
 * @throws Error that says how to get them, where there are none.
 */
export function nodeHeaders() {
  const folders = headerFolders();
  const found = folders.find((folder) => existsSync(join(folder, 'node_api.h')));
  if (found !== undefined) return found;
  throw new Error(
    `the headers of Node.js ${process.versions.node} are in none of ${folders.join(', ')}; ` +
      'fetch them with "npx node-gyp install", or install the package of your system that has them (Debian: libnode-dev)',
  );
}

/** The headers of Node.js and napi.h. */
function includes() {
  return ['-isystem', nodeHeaders(), '-isystem', dirname(require.resolve('node-addon-api/package.json'))];
}

/** @throws Error where there is no C++ compiler. */
function findCompiler() {
  const candidates = process.env.CXX ? [process.env.CXX] : ['g++', 'c++', 'clang++'];
  const found = candidates.find((name) => spawnSync(name, ['--version']).status === 0);
  if (found !== undefined) return found;
  throw new Error(`no C++17 compiler was found: ${candidates.join(', ')} (CXX names another one)`);
}

/** Runs a program. @throws Error with all that it said. */
function run([program, ...args], options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args.slice(0, 4).join(' ')} ... ended with ${signal ?? code}\n${said}`));
    });
  });
}

/** Runs `task` for all items, as many at a time as there are processors; resolves to the results in order. */
async function inParallel(items, task) {
  const results = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results[index] = await task(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}

/** Links with the compiler that compiled, as most do. */
function linkWithCompiler({ platform, compiler, extra }, objects, output) {
  return [...compiler, ...extra, ...LINK[platform], ...objects, '-o', output];
}

/**
 * Compiles the addon into `output`. `compiler`: the command; `folder`: for objects; `extra`: more flags for compiling and
 * linking (a target); `more`: other sources; `link` makes another command for linking.
 * @throws Error with what the compiler said.
 */
export async function compileAddon(options) {
  const { root, platform, compiler, folder, output, extra = [], more = [], env = process.env } = options;
  const { link = linkWithCompiler } = options;
  for (const each of [folder, dirname(output)]) mkdirSync(each, { recursive: true });
  const flags = [...flagsOf(root), ...extra, ...includes()];
  const objects = await inParallel([...addonSources(root, platform), ...more], async (source) => {
    const object = join(folder, `${basename(source, '.cc')}.o`);
    await run([...compiler, ...flags, '-c', source, '-o', object], { cwd: root, env });
    return object;
  });
  // A server that runs has the old file mapped: it keeps that one, and nothing loads half a file.
  const unfinished = `${output}.unfinished`;
  await run(link({ platform, compiler, extra }, objects, unfinished), { cwd: root, env });
  renameSync(unfinished, output);
}

/** Compiles the addon for the running Node.js, in `root`. */
export async function compileHere(root) {
  await compileAddon({
    root,
    platform: process.platform,
    compiler: [findCompiler()],
    folder: join(root, 'build', 'objects'),
    output: join(root, 'build', 'Release', 'epoll_server.node'),
  });
}
