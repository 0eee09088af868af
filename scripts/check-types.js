// Type-checks the small consumers in scripts/consumers/ against the declarations in dist/. They import the package by
// its name and its exports map. Run by `npm run check`.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/** The fetch classes come from @types/node, or from the DOM. */
const NODE = 'es2023';
const DOM = 'es2023,dom,dom.iterable,dom.asynciterable';

/** Compiler, module resolution, libraries. The older compiler takes ten times as long, so it runs fewer times. */
const RUNS = [
  ['typescript', 'nodenext', NODE],
  ['typescript', 'nodenext', DOM],
  ['typescript', 'bundler', NODE],
  ['typescript', 'bundler', DOM],
  ['typescript-5.9', 'nodenext', NODE],
  ['typescript-5.9', 'bundler', DOM],
];

/**
 * Removes errors in the declarations of other packages, which cannot be fixed here. Indented lines belong to the error
 * above.
 */
function ownErrors(output) {
  let isOurs = false;
  return output.split('\n').filter((line) => {
    if (line !== '' && !line.startsWith(' ')) isOurs = !line.includes('node_modules/');
    return isOurs && line !== '';
  });
}

let failed = false;
for (const [compiler, resolution, libraries] of RUNS) {
  const tsc = join(dirname(require.resolve(`${compiler}/package.json`)), 'bin', 'tsc');
  const project = join('scripts', 'consumers', `tsconfig.${resolution}.json`);
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', project, '--lib', libraries], {
    cwd: root,
    encoding: 'utf8',
  });
  const errors = ownErrors(stdout);
  if (errors.length === 0 && status !== null) continue;
  failed = true;
  process.stdout.write(`${compiler}, ${resolution}, ${libraries}:\n${errors.join('\n')}\n`);
}
if (failed) process.exit(1);
process.stdout.write(`${RUNS.length} combinations of compiler, module resolution and libraries\n`);
