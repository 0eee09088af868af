// What an installed package says when its binary cannot be loaded: one line and exit code 1, whatever is wrong.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSums } from '../prebuilds.js';
import { runToEnd } from '../programs.js';

function expectLine(line, parts) {
  if (!parts.every((part) => line.includes(part))) throw new Error(`it said ${line}`);
}

/** Replaces the binaries of the package while `look` looks; `isPacked`: their sums fit. */
function withBinaries(installation, content, isPacked, look) {
  const folder = join(installation.package, 'prebuilds');
  const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
  const saved = new Map(
    ['SHA256SUMS', ...names.map((name) => `${name}/epoll_server.node`)].map((name) => {
      const path = join(folder, name);
      return [path, readFileSync(path)];
    }),
  );
  for (const name of names) {
    const path = join(folder, name, 'epoll_server.node');
    // Not written in place: a file that is mapped would change under the process that has it.
    rmSync(path);
    if (content !== null) writeFileSync(path, content(saved.get(path)));
  }
  if (isPacked && content !== null) writeSums(installation.package, names, '0');
  try {
    look();
  } finally {
    for (const [path, bytes] of saved) {
      rmSync(path, { force: true });
      writeFileSync(path, bytes);
    }
  }
}

const CASES = {
  missing: [null, false, ['no native addon fits this platform (', ', Node.js ', 'scripts/compile.js"']],
  'cut in the middle': [(bytes) => bytes.subarray(0, bytes.length >> 1), false, ['is damaged (its SHA-256']],
  'with one other byte': [(bytes) => Buffer.from(bytes).fill(0x90, 9_000, 9_001), false, ['is damaged (its SHA-256']],
  'of no known format': [() => 'not a binary', true, ['does not load: ']],
  'of another C library': [
    (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('libc.so.6', 'libc.so.9'), 'latin1'),
    true,
    ['does not load: libc.so.9: cannot open shared object file'],
  ],
};

/** Looks at them all; returns what was tried. */
export function checkBadBinaries(installation) {
  for (const [name, [content, isPacked, parts]] of Object.entries(CASES)) {
    withBinaries(installation, content, isPacked, () => {
      try {
        expectLine(installation.refusal(), parts);
      } catch (error) {
        throw new Error(`a binary ${name}: ${error.message}`);
      }
    });
  }
  return Object.keys(CASES).join(', ');
}

/** The package on a file system that nothing may be executed from. Needs a mount namespace of its own. */
export function checkNoexec(installation) {
  const place = '/mnt';
  const namespace = ['--mount', '--map-root-user'];
  if (runToEnd('unshare', [...namespace, 'mount', '-t', 'tmpfs', '-o', 'noexec', 'none', place]).exit !== 0) {
    return 'NOT TRIED: this system has no unshare(1) that may mount';
  }
  const script =
    'mount -t tmpfs -o noexec none "$2" && cp -r "$1/node_modules" "$2" && cd "$2" && exec "$3" node_modules/.bin/epoll-server 0 .';
  const args = [...namespace, 'sh', '-c', script, 'sh', installation.folder, place, process.execPath];
  expectLine(installation.refusalOf('unshare', args, { env: process.env }), [
    'failed to map segment',
    ' (is its file system mounted noexec?)',
  ]);
  return 'one line names the reason';
}
