// Packs this package, installs the tarball into an empty folder with nothing in the PATH but node, and uses it there: the
// command, import and require, the examples, TypeScript consumers, its own sources, binaries that cannot be loaded.
//   npm run check:package              with the binaries of `npm run prebuild`, else with the addon compiled here
//   npm run check:package -- --all     fails unless all six binaries are there
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceDigest } from '../addon.js';
import { readOptions } from '../arguments.js';
import { prebuildProblems } from '../prebuilds.js';
import { runOrFail } from '../programs.js';
import { installTools } from '../tools.js';
import { checkBadBinaries, checkNoexec } from './bad-binaries.js';
import { Installation } from './installed.js';
import { checkProcessOne } from './process-one.js';
import { pack } from './tarball.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { all } = readOptions(import.meta.url, { all: { type: 'boolean' } });
const scratch = join(root, 'build', 'package');

/** Three seconds are promised; other programs of a busy machine are not the package's fault. */
const MAX_INSTALL_SECONDS = 15;

function lint(tarball) {
  const programs = join(installTools(root, 'package'), 'node_modules', '.bin');
  runOrFail(join(programs, 'publint'), ['run', tarball, '--strict']);
  runOrFail(join(programs, 'attw'), [tarball, '--profile', 'esm-only', '--no-emoji']);
  return 'publint --strict, attw --profile esm-only';
}

let passed = 0;
let failed = 0;

/** Runs one step and prints what came of it; the rest is checked whatever happens. */
async function step(name, check) {
  const started = performance.now();
  let text = '';
  try {
    text = await check();
    passed++;
  } catch (error) {
    failed++;
    text = `FAILED: ${error.message}`;
  }
  process.stdout.write(
    `${name.padEnd(22)} ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}\n`,
  );
}

const problems = prebuildProblems(root, sourceDigest(root));
if (all && problems.length > 0) {
  process.stderr.write(`FAILED: the binaries of the package: ${problems.join('; ')}: run "npm run prebuild"\n`);
  process.exit(1);
}
const packed = pack(root, scratch);
await step('tarball', () => {
  if (packed.problems.length > 0) throw new Error(packed.problems.join('; '));
  return packed.text;
});
await step('publint, attw', () => lint(packed.tarball));
const installation = new Installation(root, packed.tarball);
try {
  await step('installed', () => {
    const seconds = installation.installMs / 1000;
    if (seconds > MAX_INSTALL_SECONDS) throw new Error(`it took ${seconds.toFixed(1)} s with a warm cache`);
    return `in ${seconds.toFixed(1)} s with a warm cache`;
  });
  await step('command', () => installation.serves());
  await step('modules', () => installation.imports());
  await step('examples', () => installation.examples());
  await step('TypeScript consumers', () => installation.types());
  await step('binaries that are bad', () => checkBadBinaries(installation));
  await step('noexec', () => checkNoexec(installation));
  await step('process 1', () => checkProcessOne(installation));
  await step('own sources', () => installation.compiles());
} finally {
  installation.remove();
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);
