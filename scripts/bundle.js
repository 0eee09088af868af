// Bundles the compiled modules into the few files that are shipped. Two things are gained: a start loads ten files
// instead of a hundred and thirty, and what is used on the hot path is a local name that the compiler may fold, not a
// binding of another module (measured, instructions of a request: 3,980 apart, 3,430 together).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';

/** What is imported or started by name: the same name in `dist/`. */
const ENTRIES = [
  'index',
  'testing/index',
  'app/offload/worker',
  'tools/compare/application',
  'tools/compare/cannon',
  ...['bun', 'fastify', 'node-http', 'uws'].map((name) => `tools/compare/peers/${name}`),
];

/** What every server needs is one file, what every command needs is another. The rest lies by who uses it. */
const GROUPS = [
  { name: 'core', test: /modules\/(connection|exchange|files|http|http1|kernel|log|reactor|server)\// },
  { name: 'command', test: /modules\/(cli\/(?!compare|conform)|config\/|workers\/(?!file-watch|reloading))/ },
];

const MODULES = join('build', 'modules');

/** Loaded by few, on demand: they stay packages. */
const EXTERNAL = ['chokidar', 'piscina', 'yaml'];

/** Bundles `input` (file by name of entry) into `folder`; resolves to the files that went in. */
export async function bundle(root, input, folder) {
  const build = await rolldown({ input, cwd: root, platform: 'node', external: EXTERNAL });
  const { output } = await build.write({
    dir: join(root, folder),
    format: 'esm',
    chunkFileNames: 'parts/[name].js',
    codeSplitting: { groups: GROUPS },
  });
  await build.close();
  return output.flatMap(({ moduleIds = [] }) => moduleIds);
}

/** The licenses of packages whose code became part of ours: they ask for it. */
function licensesOf(files) {
  const folders = files.flatMap((file) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const license = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    if (license === undefined) throw new Error(`${folder} has no license: leave it out of the bundle`);
    return `${basename(folder)}\n\n${readFileSync(join(folder, license), 'utf8').trim()}\n`;
  });
}

/** The whole package. */
export async function bundlePackage(root) {
  const servers = readdirSync(join(root, MODULES))
    .filter((name) => name.endsWith('-server.js'))
    .map((name) => name.slice(0, -'.js'.length));
  const input = Object.fromEntries([...ENTRIES, ...servers].map((name) => [name, join(MODULES, `${name}.js`)]));
  const files = await bundle(root, input, 'dist');
  writeFileSync(join(root, 'dist', 'LICENSES.txt'), licensesOf(files).join(`\n${'-'.repeat(80)}\n\n`));
}
