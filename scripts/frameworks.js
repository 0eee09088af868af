// Runs the own tests of Express, Koa, Fastify, @hono/node-server and ws over node:http and over this server, and writes
// docs/frameworks.md. Each PATH is a checkout of one of them outside of this repository, with its packages installed.
// A test that passes over node:http and fails here needs a reason in scripts/frameworks/reasons.js.
//   npm run frameworks -- PATH...
//   npm run frameworks -- --no-write PATH...        writes nothing into docs
//   npm run frameworks -- --over node:http PATH...  another server in this one's place: what the replacement itself changes
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readArguments } from './arguments.js';
import { Progress } from './frameworks/progress.js';
import { compareRuns, documentOf, summaryLine } from './frameworks/report.js';
import { runSuite } from './frameworks/run-suite.js';
import { CheckoutError, suiteIn } from './frameworks/suites.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const DOCUMENT = join(root, 'docs', 'frameworks.md');
const SCRATCH = join(root, 'build', 'frameworks');

const { values, positionals } = readArguments(import.meta.url, {
  'no-write': { type: 'boolean', default: false },
  over: { type: 'string', default: 'epoll-server/node' },
});

/** The tests run in a process group of their own, which a signal from the terminal does not reach. */
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.on(signal, () => process.exit(code));
}

function suites() {
  if (positionals.length === 0) throw new CheckoutError('name at least one checkout (--help shows how)');
  return positionals.map(suiteIn);
}

/** A file is named by its path from here, a package or a module of Node.js by its name. */
function moduleOf(name) {
  return name.startsWith('.') || name.startsWith('/') ? pathToFileURL(name).href : name;
}

async function run(suite, server, over) {
  const progress = new Progress(`${suite.title} over ${server}`);
  const scratch = join(SCRATCH, `${suite.id}-${over === undefined ? 'node' : 'ours'}`);
  const result = await runSuite(suite, { over, scratch, onProgress: (tests) => progress.show(tests) });
  progress.end(result);
  if (result.tests.length === 0) throw new Error(`the tests of ${suite.title} did not run:\n${result.said}`);
  return result;
}

try {
  const found = suites();
  mkdirSync(SCRATCH, { recursive: true });
  const comparisons = [];
  for (const suite of found) {
    const native = await run(suite, 'node:http');
    const ours = await run(
      suite,
      values.over === 'epoll-server/node' ? 'this server' : values.over,
      moduleOf(values.over),
    );
    const comparison = compareRuns(suite, native, ours);
    comparisons.push(comparison);
    process.stdout.write(summaryLine(comparison));
  }
  if (!values['no-write']) writeFileSync(DOCUMENT, documentOf(comparisons));
  if (comparisons.some(({ unexplained, isHung }) => unexplained.length > 0 || isHung)) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`frameworks: ${error.message}\n`);
  process.exitCode = error instanceof CheckoutError ? 2 : 1;
}
