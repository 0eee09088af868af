// The tarball: made as `npm pack` makes it, its files, its size.
import { mkdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { runNpm, runOrFail } from '../programs.js';

/** Unpacked, beside the binaries. */
const MAX_BYTES = 3_000_000;

/** All that belongs into the package. */
const BELONGING = [
  /^(?:package\.json|LICENSE|README\.md|ARCHITECTURE\.md|CHANGELOG\.md|SECURITY\.md|config\.schema\.json)$/,
  /^dist\/LICENSES\.txt$/,
  /^dist\/[\w/.-]+\.(?:js|d\.ts|d\.cts)$/,
  /^dist\/python\/epoll_server_worker\.py$/,
  /^html\/[\w/.-]+\.(?:html|css|svg|ico)$/,
  /^deploy\/[\w/.-]+\.(?:yaml|cfg|conf|service|socket)$/,
  /^deploy\/logrotate\/epoll-server$/,
  /^examples\/[\w/.-]+\.(?:js|eta|yaml|svg|css)$/,
  /^native\/(?:\w+\.(?:cc|h)|exports\.map)$/,
  /^scripts\/(?:addon|compile)\.js$/,
  /^src\/[\w/]+\/peers\/floor\.c$/,
  /^prebuilds\/(?:SHA256SUMS|binding\.gyp|(?:linux-(?:x64|arm64)-(?:glibc|musl)|darwin-(?:x64|arm64))\/epoll_server\.node)$/,
];

/** What must not be missing beside the files that package.json names. */
const NEEDED = ['native/addon.cc', 'prebuilds/SHA256SUMS', 'prebuilds/binding.gyp', 'scripts/compile.js', 'LICENSE'];

/** All files that `bin` and `exports` of package.json name. */
function namedFiles(named) {
  return typeof named === 'string' ? [posix.normalize(named)] : Object.values(named).flatMap(namedFiles);
}

const isBinary = ({ path }) => path.endsWith('.node');
const bytesOf = (files) => files.reduce((sum, { size }) => sum + size, 0);

/** Packs `root` into `folder`; returns the tarball's path, its files, and what is wrong with them. */
export function pack(root, folder) {
  mkdirSync(folder, { recursive: true });
  // `npm pack` would build once more: prepare is run before it packs.
  runOrFail(process.execPath, [join(root, 'scripts', 'prepack.js')], { cwd: root });
  const said = runNpm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root });
  const [{ filename, files, size }] = JSON.parse(said);
  const paths = files.map(({ path }) => path);
  const beside = bytesOf(files.filter((file) => !isBinary(file)));
  const binaries = files.filter(isBinary);
  const { bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const problems = [
    ...paths
      .filter((path) => !BELONGING.some((pattern) => pattern.test(path)))
      .map((path) => `${path} does not belong`),
    ...[...NEEDED, ...namedFiles({ bin, exports })]
      .filter((path) => !paths.includes(path))
      .map((path) => `${path} is missing`),
    ...(beside > MAX_BYTES ? [`${beside} bytes beside the binaries are more than ${MAX_BYTES}`] : []),
  ];
  const text =
    `${paths.length} files: ${size} bytes packed; unpacked ${beside} bytes, ` +
    `${bytesOf(binaries)} bytes of binaries: ${binaries.map(({ path }) => path.split('/')[1]).join(', ')}`;
  return { tarball: join(folder, filename), text, problems };
}
