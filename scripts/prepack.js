// Runs before the package is packed: the tarball gets the binaries of `npm run prebuild`. Where those are missing or of
// other sources it gets the addon that was compiled here, which starts on systems like this one only, and says so.
// `npm publish` refuses such a tarball (scripts/release.js). It also gets a copy of binding.gyp, which has the list of
// sources: a binding.gyp of the package itself makes installers compile (npm, pnpm, yarn).
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceDigest } from './addon.js';
import { prebuildPath, prebuildProblems, writeSums } from './prebuilds.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the loader calls this platform (src/kernel/addon.ts). */
function platformName() {
  if (process.platform !== 'linux') return `${process.platform}-${process.arch}`;
  const isMusl = readFileSync(process.execPath).subarray(0, 4096).includes('/ld-musl-');
  return `linux-${process.arch}-${isMusl ? 'musl' : 'glibc'}`;
}

const digest = sourceDigest(root);
const problems = prebuildProblems(root, digest);
if (problems.length > 0) {
  const compiled = join(root, 'build', 'Release', 'epoll_server.node');
  if (!existsSync(compiled)) {
    process.stderr.write('nothing to pack: run "npm run build" or "npm run prebuild" first\n');
    process.exit(1);
  }
  const name = platformName();
  process.stderr.write(
    `epoll-server: ${problems.join('; ')}: this tarball has the addon compiled here, for ${name} with this C library ` +
      'alone; "npm run prebuild" compiles all binaries\n',
  );
  rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
  mkdirSync(dirname(prebuildPath(root, name)), { recursive: true });
  copyFileSync(compiled, prebuildPath(root, name));
  writeSums(root, [name], digest);
}
copyFileSync(join(root, 'binding.gyp'), join(root, 'prebuilds', 'binding.gyp'));
