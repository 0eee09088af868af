// Builds everything. The addon goes into build/Release; TypeScript goes module by module into build/modules, for tests
// and tools; the shipped files are bundled from these modules into dist/. Run by `npm run build` and, through
// `prepare`, by `npm ci`.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePackage } from './bundle.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/** Runs a Node program of node_modules; if its exit code is not 0, exits with the same code. */
function run(script, args) {
  const { status, error } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** The installed headers of this Node, so that node-gyp does not download them; empty if there are none. */
function headers() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

const gyp = join(dirname(require.resolve('node-gyp/package.json')), 'bin', 'node-gyp.js');
const configured = existsSync(join(root, 'build', 'Makefile'));
run(gyp, ['--loglevel=warn', ...(configured ? [] : ['configure']), 'build', ...headers()]);

for (const folder of ['dist', join('build', 'modules')]) rmSync(join(root, folder), { recursive: true, force: true });
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
run(tsc, ['-p', 'tsconfig.build.json']);
await bundlePackage(root);
