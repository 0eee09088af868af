// Runs the tests with the binaries of the package on every Node.js that is supported, on arm64 (emulated) and on musl as
// far as this machine can, and prints one table. Needs the binaries of `npm run prebuild`; Node.js comes from npm, the
// emulator's and musl's libraries from Debian.
//   npm run check:nodes                   the whole suite on the running Node.js, parts of it on the others
//   npm run check:nodes -- --no-suite     without the whole suite, where `npm test` has run it
//   npm run check:nodes -- --only musl    only the rows with these words, separated by commas
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceDigest } from '../addon.js';
import { readOptions } from '../arguments.js';
import { prebuildProblems } from '../prebuilds.js';
import { loadWithMusl, testNativeCore } from './foreign.js';
import { installArm64Node, installNode } from './install.js';
import { compareApplications, copyShipped, refuses, runTests, serves } from './shipped.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const options = readOptions(import.meta.url, { 'no-suite': { type: 'boolean' }, only: { type: 'string' } });

const SUPPORTED = [20, 22, 24, 26];
const TOO_OLD = [14, 16, 18];
/** The native, contract, HTTP/1, adapters and files parts of the suite. */
const PARTS = ['kernel', 'contract', 'http', 'http1', 'adapters', 'files'].map((name) => `test/${name}`);

const rows = [];

/** `check` returns what was seen; what it throws is the row's failure. */
async function row(platform, what, check) {
  const words = options.only?.split(',');
  const name = `${platform} ${what}`;
  if (words !== undefined && !words.some((word) => name.includes(word))) {
    rows.push([platform, what, 'not asked for']);
    return;
  }
  process.stdout.write(`== ${name}\n`);
  const started = performance.now();
  try {
    const seen = await check();
    rows.push([platform, what, `${seen} (${Math.round((performance.now() - started) / 1000)} s)`]);
  } catch (error) {
    process.exitCode = 1;
    process.stdout.write(`FAILED: ${error.message}\n`);
    rows.push([platform, what, `FAILED: ${error.message.split('\n')[0].slice(0, 100)}`]);
  }
}

/** Tests that passed, in words. @throws Error with those that failed. */
function tested({ passed, failures }) {
  if (failures.length > 0) throw new Error(`${failures.length} failed, ${passed} passed\n${failures.join('\n')}`);
  return `${passed} passed`;
}

function table() {
  const widths = [0, 1].map((column) => Math.max(...rows.map((each) => each[column].length)));
  return rows
    .map(([platform, what, seen]) => `${platform.padEnd(widths[0])}  ${what.padEnd(widths[1])}  ${seen}\n`)
    .join('');
}

const problems = prebuildProblems(root, sourceDigest(root));
if (problems.length > 0) {
  process.stderr.write(`FAILED: the binaries of the package: ${problems.join('; ')}: run "npm run prebuild"\n`);
  process.exit(1);
}
const shipped = copyShipped(root);
const current = Number(process.versions.node.split('.')[0]);

if (!options['no-suite']) {
  await row(`linux-x64-glibc, Node.js ${current}`, 'the whole suite', () =>
    tested(runTests(root, process.execPath, [])),
  );
}
for (const major of SUPPORTED) {
  const node = () => (major === current ? process.execPath : installNode(root, major));
  await row(`linux-x64-glibc, Node.js ${major}`, 'parts of the suite', () => tested(runTests(shipped, node(), PARTS)));
  await row(`linux-x64-glibc, Node.js ${major}`, 'applications', () => compareApplications(shipped, node()));
}
for (const major of TOO_OLD) {
  await row(`linux-x64-glibc, Node.js ${major}`, 'is refused', () => refuses(shipped, installNode(root, major)));
}
// vitest sends values to its workers in the format of its own version of Node.js.
await row(`linux-arm64-glibc, Node.js ${current}`, 'serves, contract suite', async () => {
  const node = installArm64Node(root, current);
  await serves(shipped, node);
  const seen = tested(runTests(shipped, process.execPath, ['test/contract'], { worker: node }));
  return `serves a file, ${seen}, emulated`;
});
await row('linux-x64-musl', "musl's loader", () => loadWithMusl(root));
// A program for musl is static: it needs no libraries of that system.
for (const name of ['linux-x64-glibc', 'linux-x64-musl', 'linux-arm64-musl']) {
  await row(name, 'native core', () => testNativeCore(root, name));
}
rows.push(['linux-arm64-musl', "musl's loader", 'not tried: symbols looked at']);
rows.push(['darwin-x64', 'everything', 'compiled only, symbols looked at']);
rows.push(['darwin-arm64', 'everything', 'compiled only, symbols and signature looked at']);
process.stdout.write(`\n${table()}`);
