// The binaries of the package: which there are, where they lie, and what is known about each. `prebuilds/SHA256SUMS`
// has their sums in the form of sha256sum(1), which the loader compares (src/kernel/addon.ts), and the digest of the
// sources that they were compiled from.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * By folder in `prebuilds/`: zig's target, and what Node.js calls the platform. glibc 2.28 and macOS 11
 * are the oldest that Node.js 20 runs on.
 */
export const TARGETS = {
  'linux-x64-glibc': { target: 'x86_64-linux-gnu.2.28', platform: 'linux' },
  'linux-arm64-glibc': { target: 'aarch64-linux-gnu.2.28', platform: 'linux' },
  'linux-x64-musl': { target: 'x86_64-linux-musl', platform: 'linux' },
  'linux-arm64-musl': { target: 'aarch64-linux-musl', platform: 'linux' },
  'darwin-x64': { target: 'x86_64-macos.11.0', platform: 'darwin' },
  'darwin-arm64': { target: 'aarch64-macos.11.0', platform: 'darwin' },
};

const SUMS = 'SHA256SUMS';
const SOURCES = '# sources: ';

export function prebuildPath(root, name) {
  return join(root, 'prebuilds', name, 'epoll_server.node');
}

export function sumOf(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Writes the sums of the binaries `names`. */
export function writeSums(root, names, digest) {
  const lines = [...names].sort().map((name) => `${sumOf(prebuildPath(root, name))}  ${name}/epoll_server.node`);
  mkdirSync(join(root, 'prebuilds'), { recursive: true });
  writeFileSync(join(root, 'prebuilds', SUMS), `${[`${SOURCES}${digest}`, ...lines].join('\n')}\n`);
}

/** What is wrong with the binaries, in words; empty: all six are there, whole, and of the sources with this digest. */
export function prebuildProblems(root, digest) {
  const file = join(root, 'prebuilds', SUMS);
  if (!existsSync(file)) return ['no binary is there'];
  const lines = readFileSync(file, 'utf8').split('\n');
  if (lines[0] !== `${SOURCES}${digest}`) return ['they were compiled from other sources'];
  return Object.keys(TARGETS).flatMap((name) => {
    const path = prebuildPath(root, name);
    if (!existsSync(path)) return [`${name} is missing`];
    return lines.includes(`${sumOf(path)}  ${name}/epoll_server.node`) ? [] : [`${name} is not the file of its sum`];
  });
}
