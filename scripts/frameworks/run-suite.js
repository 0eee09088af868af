// Runs the tests of one framework over one server, and reads what came of each.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

const SWAP = new URL('swap.js', import.meta.url).href;
/** A run without a further result for so long has hung: it is ended, and what it has counts. */
const MAX_SILENT_MS = 300_000;
const LOOK_EVERY_MS = 1_000;
/** Of what the runner says so much is kept, for a run that gives no results. */
const MAX_KEPT = 4_000;

function environment(results, counts, over) {
  const { FRAMEWORKS_OVER, NODE_V8_COVERAGE, NODE_TEST_CONTEXT, VITEST, ...inherited } = process.env;
  const options = `${inherited.NODE_OPTIONS ?? ''} --import=${SWAP}`.trim();
  const swapped = over === undefined ? {} : { FRAMEWORKS_OVER: over };
  return {
    ...inherited,
    ...swapped,
    NODE_OPTIONS: options,
    FRAMEWORKS_RESULTS: results,
    FRAMEWORKS_COUNTS: counts,
  };
}

/** The tests so far. Tests of one name in one file are told apart by their number. */
function readResults(file, folder) {
  if (!existsSync(file)) return [];
  const seen = new Map();
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => {
    const { file: path, name, state, message = '' } = JSON.parse(line);
    const title = `${path === undefined ? '' : `${relative(folder, path)}: `}${name}`;
    const number = (seen.get(title) ?? 0) + 1;
    seen.set(title, number);
    return { title: number === 1 ? title : `${title} (${number})`, state, message };
  });
}

/** The sums over all processes of a run. */
function readCounts(folder) {
  const sums = { servers: 0, ours: 0, native: 0, secure: 0 };
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.json'))) {
    const counts = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    for (const what of Object.keys(sums)) sums[what] += counts[what];
  }
  return sums;
}

/** Ends a run and the processes of its tests, which are in its process group. */
function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/**
 * Runs `suite` over node:http, or over the server in the module `over`. `scratch` is a folder for what it writes;
 * `onProgress` gets the tests so far. Resolves to the tests, the counts of requests, and whether the run was ended.
 */
export async function runSuite(suite, { over, scratch, onProgress = () => {} }) {
  const results = join(scratch, 'results.jsonl');
  const counts = join(scratch, 'counts');
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(counts, { recursive: true });
  const child = spawn(process.execPath, suite.args, {
    cwd: suite.folder,
    env: environment(results, counts, over),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const endWithProcess = () => endGroup(child.pid);
  process.once('exit', endWithProcess);
  let said = '';
  const keep = (text) => {
    said = `${said}${text}`.slice(-MAX_KEPT);
  };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', keep);
  let tests = [];
  let changedAt = Date.now();
  let isHung = false;
  const watch = setInterval(() => {
    const now = readResults(results, suite.folder);
    if (now.length > tests.length) changedAt = Date.now();
    tests = now;
    onProgress(tests);
    isHung = Date.now() - changedAt > MAX_SILENT_MS;
    if (isHung) endGroup(child.pid);
  }, LOOK_EVERY_MS);
  await new Promise((ended) => child.once('exit', ended));
  clearInterval(watch);
  process.off('exit', endWithProcess);
  endGroup(child.pid);
  tests = readResults(results, suite.folder);
  onProgress(tests);
  return { tests, counts: readCounts(counts), isHung, said };
}
