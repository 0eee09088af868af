// Bundles the compiled modules into the few files that are shipped. The command loads ten files instead of 190. The hot
// path uses local names, which V8 may inline, instead of bindings of other modules. Measured: 3,980 instructions per
// request without bundling, 3,430 with it.
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';

/** Files that are imported or started by name: they keep their names in `dist/`. */
const ENTRIES = [
  'index',
  'fetch',
  'node',
  'register',
  'static',
  'wsgi',
  'testing/index',
  'app/offload/worker',
  'rules/password-worker',
  'tools/compare/application',
  'tools/compare/autocannon',
  ...['bun', 'fastify', 'node-http', 'uws'].map((name) => `tools/compare/peers/${name}`),
];

/**
 * One file each for what importing the package loads, what every server needs, static files, and what every command needs.
 * Rolldown groups the rest by its importers. The parser's tables must not fall into `base`: as bindings of another file they
 * cost a request 1,800 instructions of 14,300.
 */
const GROUPS = [
  { name: 'base', test: /modules\/(errors\.js|http\/fields\.js|app\/mount\.js|adapters\/with-async-context\.js)/ },
  {
    name: 'core',
    test: /modules\/(connection|exchange|http|http1|kernel|log|reactor|server)\/|modules\/adapters\/concurrency\.js/,
  },
  { name: 'files', test: /modules\/files\// },
  { name: 'rules', test: /modules\/rules\/(?!password-worker)/ },
  { name: 'application', test: /modules\/app\/(application|application-place|module-file)\.js/ },
  { name: 'command', test: /modules\/(cli\/(?!compare|conform)|config\/|workers\/(?!file-watch))/ },
];

const MODULES = join('build', 'modules');

/** Loaded on demand by few applications, so they stay packages. */
const EXTERNAL = ['chokidar', 'piscina', 'yaml'];

/** Bundles `input` (files by name of entry) into `folder`; resolves to the paths of all source files. */
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

/** The licenses of the packages whose code is in the bundle, as these licenses require. */
function licensesOf(files) {
  const folders = files.flatMap((file) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const license = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    if (license === undefined) throw new Error(`${folder} has no license file: exclude it from the bundle`);
    return `${basename(folder)}\n\n${readFileSync(join(folder, license), 'utf8').trim()}\n`;
  });
}

/** Bundles the whole package. */
export async function bundlePackage(root) {
  const servers = readdirSync(join(root, MODULES))
    .filter((name) => name.endsWith('-server.js'))
    .map((name) => name.slice(0, -'.js'.length));
  const input = Object.fromEntries([...ENTRIES, ...servers].map((name) => [name, join(MODULES, `${name}.js`)]));
  const files = await bundle(root, input, 'dist');
  const worker = join('python', 'epoll_server_worker.py');
  cpSync(join(root, 'src', worker), join(root, 'dist', worker));
  writeFileSync(join(root, 'dist', 'LICENSES.txt'), licensesOf(files).join(`\n${'-'.repeat(80)}\n\n`));
}
