// The table of checks: what runs on each push (.ci/run), what each night or week, what by hand. CONTRIBUTING.md shows it, and
// test/tidy/checks.test.ts compares the two. A new check is a new row here and there.

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TESTS = fileURLToPath(new URL('../test', import.meta.url));

/** All that has a back end runs over each of them. Left out are folders of tests that have none, ... */
export const WITHOUT_BACK_END = [
  ...['bench', 'browser', 'cli', 'config', 'deploy', 'differential', 'docs', 'examples', 'fetch', 'fuzz', 'http'],
  ...['options', 'simulation', 'tidy', 'tools/canaries', 'tools/compare', 'tools/conform'],
];
/** ... files of tests that have none, ... */
const ALONE = [
  ...['tidy', 'slab-queue', 'adapters/linear-time', 'rules/patterns', 'rules/redirects', 'connection/boxes'],
  'server/listen-address',
].map((name) => `test/${name}.test.ts`);
/** ... and models with a back end of their own, whatever is asked for. */
const FIXED = ['iterative', 'multiprocess', 'multithread', 'system-calls'].map((name) => `test/models/${name}.test.ts`);

/**
 * Folders whose tests are about applications and tools, not about sockets. Each push runs them over epoll and poll, each
 * night over the other back ends.
 */
const APPLICATIONS = ['adapters', 'admin', 'app', 'frameworks', 'log', 'python', 'rules', 'workers'];

/**
 * Folders whose tests are about the back end itself. Each push runs these alone over scan: it never waits, so its tests
 * take all processors.
 */
const CONTRACT = ['connection', 'contract', 'kernel', 'models', 'reactor', 'transport'];

/** Other folders than {@link CONTRACT} that have a back end. */
const ABOVE_CONTRACT = readdirSync(TESTS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .filter((name) => ![...WITHOUT_BACK_END, ...CONTRACT, 'native', 'shims', 'support'].includes(name));

/** REPORT stands for the file of vitest's JSON report. */
const REPORTERS = '--reporter=default --reporter=json --outputFile.json=REPORT';

/** `left`: folders of tests that another check runs; `what`: the others, in words. */
function overBackEnd(name, what = 'what has a back end', left = []) {
  const folders = [...new Set([...WITHOUT_BACK_END, ...left])].map((folder) => `test/${folder}/**`);
  const exclude = [...folders, ...ALONE, ...FIXED].map((pattern) => `--exclude '${pattern}'`).join(' ');
  return {
    name: `suite, ${name}`,
    when: 'push',
    where: `this Node.js, ${name}: ${what}`,
    command: `TEST_BUILD=1 EPOLL_SERVER_BACKEND=${name} npx vitest run ${exclude} ${REPORTERS}`,
  };
}

/** What {@link overBackEnd} leaves out at each push. */
function atNightOver(name, what, left) {
  const folders = left.map((folder) => `test/${folder}/`).join(' ');
  const exclude = WITHOUT_BACK_END.map((folder) => `--exclude 'test/${folder}/**'`).join(' ');
  return {
    name: `apps-${name}`,
    when: 'night',
    where: `this Node.js, ${name}: ${what}, conformance byte by byte`,
    command: `NIGHT_TESTS=1 EPOLL_SERVER_BACKEND=${name} npx vitest run ${folders} ${exclude} ${REPORTERS}`,
  };
}

/**
 * `when`: push, night, week or hand; `command`: for a shell; `where`: on what it runs, in words. `npm ci` has built everything, and
 * so has `npm test`: the others of a push start their scripts without another build.
 */
export const CHECKS = [
  {
    name: 'suite',
    when: 'push',
    where: 'this Node.js, epoll: everything but the tests of tools',
    command: `npm test -- ${REPORTERS}`,
  },
  overBackEnd('poll'),
  overBackEnd('select', 'what has a back end, but applications', APPLICATIONS),
  overBackEnd('scan', 'the contract of a back end', ABOVE_CONTRACT),
  {
    name: 'check',
    when: 'push',
    where: 'format, lint, types, C++ warnings, sanitizers, fuzzing, tests of tools',
    command: 'CHECK_NO_TESTS=1 TEST_BUILD=1 npm run check',
  },
  {
    name: 'package',
    when: 'push',
    where: 'the tarball with the addon compiled here, in an empty folder',
    command: 'node scripts/package/check.js',
  },
  {
    name: 'docs',
    when: 'push',
    where: 'the site of docs/ is built, and has no broken link',
    command: 'npm run -s docs',
  },
  {
    name: 'applications',
    when: 'push',
    where: 'applications of 30 packages over node:http and over this server',
    command: 'node scripts/applications.js',
  },
  {
    name: 'python',
    when: 'push',
    where: 'applications of Flask, Django, Pyramid; beside gunicorn, uWSGI behind nginx',
    command: 'node scripts/python.js',
  },
  {
    name: 'uwsgi',
    when: 'push',
    where: 'an application under uWSGI behind this server',
    command: 'node scripts/uwsgi.js',
  },
  { name: 'h1check', when: 'push', where: 'a second opinion on HTTP/1.1', command: 'node scripts/h1check.js' },
  {
    name: 'operations',
    when: 'push',
    where: 'restarts, reloads, upgrades behind HAProxy and nginx: no loss',
    command: 'node scripts/operations.js',
  },
  {
    name: 'binaries',
    when: 'night',
    where: 'all six compiled twice, the tarball with them installed',
    command: 'npm run -s prebuild && npm run -s prebuild:compare && npm run -s check:package -- --all',
  },
  {
    name: 'nodes',
    when: 'night',
    where: 'Node.js 20, 22, 24, 26 with the binaries of the package; arm64 emulated; musl',
    command: 'npm run -s prebuild && npm run -s check:nodes -- --no-suite',
  },
  {
    name: 'tls',
    when: 'night',
    where: 'over TLS: kernel contract, HTTP suites, files, conformance',
    command: 'npm run -s build && NIGHT_TESTS=1 npx vitest run test/transport',
  },
  atNightOver('select', 'applications', [...APPLICATIONS, 'tools']),
  atNightOver('scan', 'what else has a back end', ABOVE_CONTRACT),
  {
    name: 'fuzz',
    when: 'night',
    where: 'half an hour, another seed; request heads and TLS for ten minutes each',
    command:
      'npm run -s fuzz -- --seconds 1800 && npm run -s fuzz:heads -- --seconds 600 && npm run -s fuzz:tls -- --seconds 600',
  },
  {
    name: 'simulate',
    when: 'night',
    where: 'half an hour of the simulated machine, another seed; every canary; pairs of faults',
    command:
      'npm run -s simulate -- --minutes 30 --seed $RANDOM && npm run -s simulate -- --exhaustive 2 && node scripts/canaries.js --all',
  },
  { name: 'instructions', when: 'night', where: 'a request, under valgrind', command: 'npm run -s bench:guard' },
  { name: 'memory', when: 'night', where: 'AddressSanitizer, a million requests', command: 'npm run -s check:memory' },
  {
    name: 'threads',
    when: 'night',
    where: 'ThreadSanitizer: several threads, jobs in the pool',
    command: 'npm run -s check:threads',
  },
  {
    name: 'torture',
    when: 'night',
    where: 'bad clients',
    command: 'npm run -s torture',
  },
  {
    name: 'soak-node',
    when: 'night',
    where: 'a million requests of an Express application, half of them aborted',
    command: 'npm run -s soak:node',
  },
  {
    name: 'variants',
    when: 'night',
    where: 'as operations, with Unix sockets, TLS and sockets of systemd',
    command: 'npm run -s check:operations -- --all --restarts 3 --reloads 3 --upgrades 2',
  },
  {
    name: 'soak',
    when: 'week',
    where: 'two hours of mixed load, reloads, faults and clock steps: no slope',
    command: 'npm run -s soak',
  },
  { name: 'conformance', when: 'hand', where: 'this server beside others', command: 'npm run conformance' },
  {
    name: 'frameworks',
    when: 'hand',
    where: "checkouts of Express, Koa, Fastify, Hono's node-server",
    command: 'npm run frameworks -- PATH...',
  },
  { name: 'bench', when: 'hand', where: 'an idle machine with wrk and nginx', command: 'npm run bench' },
  {
    name: 'bench:tls',
    when: 'hand',
    where: 'HTTPS beside nginx, Bun, uWebSockets.js, node:https',
    command: 'npm run bench:tls',
  },
  { name: 'compare', when: 'hand', where: 'all models, and others', command: 'npm run compare' },
  {
    name: 'release',
    when: 'hand',
    where: 'before a tag: all but publishing',
    command: 'npm run release -- --dry-run',
  },
];
