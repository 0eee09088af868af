// The frameworks whose own tests can run over this server, and how each runs them.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const reporter = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A test that waits for what never happens fails after this time, where its runner has no limit of its own. */
const NODE_TEST_TIMEOUT_MS = 30_000;

const mocha = (...args) => ['node_modules/mocha/bin/_mocha', '--reporter', reporter('mocha-reporter.cjs'), ...args];

/** By the name in package.json. `needs` is a file that `npm install` or a build makes; `args` are for Node.js. */
const SUITES = {
  express: {
    title: 'Express',
    needs: 'node_modules/mocha/bin/_mocha',
    args: mocha('--require', 'test/support/env', '--check-leaks', 'test/', 'test/acceptance/'),
  },
  koa: {
    title: 'Koa',
    needs: 'dist/koa.mjs',
    args: ['--test', `--test-timeout=${NODE_TEST_TIMEOUT_MS}`, `--test-reporter=${reporter('node-reporter.js')}`],
  },
  '@hono/node-server': {
    title: '@hono/node-server',
    needs: 'node_modules/vitest/vitest.mjs',
    args: ['node_modules/vitest/vitest.mjs', 'run', '--reporter', reporter('vitest-reporter.js')],
  },
  fastify: {
    title: 'Fastify',
    needs: 'node_modules/borp/borp.js',
    args: ['node_modules/borp/borp.js', '--reporter', reporter('node-reporter.js')],
  },
  ws: {
    title: 'ws',
    needs: 'node_modules/mocha/bin/_mocha',
    args: mocha('--throw-deprecation', '--timeout', '20000', 'test/*.test.js'),
  },
};

export class CheckoutError extends Error {}

/** The commit of a checkout; a folder that is none has no commit of its own. */
function commitOf(folder) {
  if (!existsSync(join(folder, '.git'))) return 'not a git checkout';
  return execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { cwd: folder, encoding: 'utf8' }).trim();
}

function readPackage(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch (error) {
    throw new CheckoutError(`${folder} is not a checkout of a framework: ${error.message}`);
  }
}

/** The suite in a folder. @throws CheckoutError when there is none that can run. */
export function suiteIn(path) {
  const folder = resolve(path);
  const { name, version } = readPackage(folder);
  if (!Object.hasOwn(SUITES, name)) {
    const known = Object.keys(SUITES).join(', ');
    throw new CheckoutError(`${folder} is a checkout of ${JSON.stringify(name)}, not of one of ${known}`);
  }
  const { title, needs, args } = SUITES[name];
  if (!existsSync(join(folder, needs))) {
    throw new CheckoutError(`${folder} has no ${needs}: run "npm install --ignore-scripts" and its build there`);
  }
  const id = basename(name) === 'node-server' ? 'hono' : name;
  return { id, title, version, commit: commitOf(folder), folder, args };
}
