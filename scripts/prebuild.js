// Compiles the addon for all platforms of the package, from any Linux on x64, into prebuilds/: static C++ runtime,
// stripped, the same bytes each time. The first run fetches zig and takes some minutes.
//   npm run prebuild                        all six, and their sums
//   npm run prebuild:compare                compiles them once more, from nothing, in another folder: the same bytes?
//   npm run check:macos                     some of them (--only NAMES), without sums: to see whether they compile
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileAddon, GLIBC_STAT, LINK, sourceDigest } from './addon.js';
import { readOptions } from './arguments.js';
import { binaryProblems } from './binary.js';
import { prebuildPath, prebuildProblems, sumOf, TARGETS, writeSums } from './prebuilds.js';
import { findZig, zigEnvironment } from './zig.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const options = readOptions(import.meta.url, {
  hook: { type: 'boolean' },
  only: { type: 'string' },
  compare: { type: 'boolean' },
});
const { only, compare } = options;

// npm runs the script `prebuild` before `build` too, and the script cannot see which of the two was meant. `postprebuild`
// runs only after `npm run prebuild`, so the work is done there. Without hooks (--ignore-scripts) it is done here.
if (options.hook && (only !== undefined || compare)) {
  fail('npm gives options to a hook: say "node scripts/prebuild.js" with them');
}
if (options.hook && process.env.npm_config_ignore_scripts !== 'true') process.exit(0);

const MAX_BYTES = 400 * 1024;

function fail(text) {
  process.stderr.write(`FAILED: ${text}\n`);
  process.exit(1);
}

/** Links with the C++ runtime inside, without symbols. */
function linkForLinux({ compiler, extra, platform }, objects, output) {
  return [...compiler, ...extra, ...LINK[platform], '-s', ...objects, '-o', output];
}

/**
 * Links against the C++ runtime of macOS, which Node.js has loaded: it is part of the system. `zig build-lib` instead of
 * `zig c++`, which adds functions of its own under the names of the C library.
 */
function linkForMac(zig, target) {
  const options = ['-dynamic', '-fno-compiler-rt', '-fallow-shlib-undefined', '-dead_strip', '-fstrip', '-lc'];
  const names = ['--name', 'epoll_server', '-install_name', 'epoll_server.node'];
  return (_options, objects, output) => [
    ...[zig, 'build-lib', '-target', target, '-O', 'ReleaseFast'],
    ...[...options, ...names, ...objects, `-femit-bin=${output}`],
  ];
}

/** Compiles one binary from the sources in `from`; resolves to its path. */
async function compile(zig, name, from) {
  const { target, platform } = TARGETS[name];
  const output = prebuildPath(from, name);
  await compileAddon({
    root: from,
    platform,
    compiler: [zig, 'c++'],
    folder: join(from, 'build', 'prebuild', name),
    output,
    extra: ['-target', target, '-Werror'],
    more: name.endsWith('-glibc') ? [GLIBC_STAT] : [],
    link: platform === 'darwin' ? linkForMac(zig, target) : linkForLinux,
    env: zigEnvironment(from),
  });
  return output;
}

async function compileAll(zig, names, from) {
  for (const name of names) {
    const started = performance.now();
    const file = await compile(zig, name, from);
    const { size } = statSync(file);
    const problems = binaryProblems(readFileSync(file), name);
    if (size > MAX_BYTES) problems.push(`${size} bytes are more than ${MAX_BYTES}`);
    if (problems.length > 0) fail(`${name}: ${problems.join('; ')}`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`${name.padEnd(18)} ${String(size).padStart(7)} bytes ${seconds.padStart(6)} s\n`);
  }
}

/** Compiles the same sources in another folder, without anything that was compiled before: zig's libraries too. */
async function compareAll(zig) {
  const problems = prebuildProblems(root, sourceDigest(root));
  if (problems.length > 0) fail(`nothing to compare with: ${problems.join('; ')}`);
  const copy = mkdtempSync(join(tmpdir(), 'epoll-server-prebuild-'));
  try {
    for (const name of ['native', 'binding.gyp', GLIBC_STAT]) {
      cpSync(join(root, name), join(copy, name), { recursive: true });
    }
    await compileAll(zig, Object.keys(TARGETS), copy);
    const others = Object.keys(TARGETS).filter(
      (name) => sumOf(prebuildPath(copy, name)) !== sumOf(prebuildPath(root, name)),
    );
    if (others.length > 0) fail(`compiled twice, and the bytes differ: ${others.join(', ')}`);
    process.stdout.write('compiled twice: the same bytes\n');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const names = only === undefined ? Object.keys(TARGETS) : only.split(',');
for (const name of names)
  if (TARGETS[name] === undefined) fail(`no target ${name}: ${Object.keys(TARGETS).join(', ')}`);
try {
  const zig = findZig(root);
  if (compare) await compareAll(zig);
  else {
    // A binary that cannot be compiled any more must not be packed either.
    if (only === undefined && existsSync(join(root, 'prebuilds'))) rmSync(join(root, 'prebuilds'), { recursive: true });
    await compileAll(zig, names, root);
    if (only === undefined) writeSums(root, names, sourceDigest(root));
  }
} catch (error) {
  fail(error.message);
}
