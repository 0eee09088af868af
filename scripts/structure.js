// Counts the structure of this checkout, and of other built checkouts given by their folders: files, long functions,
// duplicate exported names, and the files and calls of one request. Run by `npm run structure [-- FOLDER...]`.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const HERE = dirname(dirname(fileURLToPath(import.meta.url)));
const LONG_LINES = 40;
const WARM_UP = 50;
const SAMPLES = 5;
/** Work that follows a response, such as closing a file, belongs to its request. */
const SETTLE_MS = 20;

const session = new Session();

/** Loads the measures of the tidy tests, which are TypeScript. */
async function loadMeasures() {
  const input = ['source', 'functions', 'exports'].map((name) => join(HERE, 'test', 'tidy', `${name}.ts`));
  const folder = join(HERE, 'build', 'structure');
  const build = await rolldown({ input, cwd: HERE, platform: 'node' });
  await build.write({ dir: folder, format: 'esm' });
  await build.close();
  const modules = input.map((path) => import(join(folder, path.replace(/^.*\/(\w+)\.ts$/, '$1.js'))));
  return Object.assign({}, ...(await Promise.all(modules)));
}

/** Counts what the sources of `root` show. */
function readSources(root, { sourceFiles, measureFunctions, duplicateExports }) {
  const files = sourceFiles('src', ['.ts'], root);
  const long = files.flatMap(({ text }) => measureFunctions(text)).filter(({ lines }) => lines > LONG_LINES);
  return {
    'files in src/': files.length,
    [`functions over ${LONG_LINES} lines`]: long.length,
    'duplicate exported names': duplicateExports(files).length,
  };
}

/** Calls of functions by file since the last call of this. Field initialisers belong to their constructor. */
async function takeCalls(prefix) {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const calls = new Map();
  for (const { url, functions } of result) {
    if (!url.startsWith(prefix)) continue;
    for (const { functionName, ranges } of functions) {
      const count = functionName.startsWith('<') ? 0 : ranges[0].count;
      if (count > 0) calls.set(url, (calls.get(url) ?? 0) + count);
    }
  }
  return { files: calls.size, calls: [...calls.values()].reduce((sum, count) => sum + count, 0), urls: calls };
}

function importServer(root) {
  return import(pathToFileURL(join(root, 'build', 'modules', 'index.js')).href);
}

/** Sends one request and resolves when its response is complete. */
async function request(socket, path) {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  let text = '';
  for (;;) {
    const [bytes] = await once(socket, 'data');
    text += bytes.toString('latin1');
    const [head = '', body] = text.split('\r\n\r\n', 2);
    const length = /^content-length: (\d+)$/im.exec(head)?.[1];
    if (body !== undefined && body.length >= Number(length)) return head;
  }
}

/**
 * Files and calls of one request of a client that stays connected, after a warm-up. The minimum of several requests,
 * since a timer may expire meanwhile.
 */
async function followRequest(root, options, pathOf) {
  const { serve } = await importServer(root);
  const server = await serve({ port: 0, ...options });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  const takes = [];
  try {
    for (let at = 0; at < WARM_UP; at++) await request(socket, pathOf(at));
    const prefix = pathToFileURL(join(root, 'build', 'modules')).href;
    for (let at = WARM_UP; at < WARM_UP + SAMPLES; at++) {
      await sleep(SETTLE_MS);
      await takeCalls(prefix);
      const head = await request(socket, pathOf(at));
      if (!head.startsWith('HTTP/1.1 200')) throw new Error(`${pathOf(at)} got the response ${head}`);
      await sleep(SETTLE_MS);
      takes.push(await takeCalls(prefix));
    }
  } finally {
    socket.destroy();
    await server.close();
  }
  return takes.reduce((least, take) => (take.calls < least.calls ? take : least));
}

async function followPlaintext(root) {
  const { precompileFields } = await importServer(root);
  const fields = precompileFields({ 'Content-Type': 'text/plain' });
  const handler = (_request, response) => response.send(200, fields, 'Hello, World!');
  return await followRequest(root, { handler }, () => '/');
}

/** Each request is for another file, which is in no cache. */
async function followColdFile(root) {
  const folder = mkdtempSync(join(tmpdir(), 'structure-'));
  try {
    for (let at = 0; at < WARM_UP + SAMPLES; at++) writeFileSync(join(folder, `${at}.txt`), 'text\n'.repeat(200));
    return await followRequest(root, { static: folder }, (at) => `/${at}.txt`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function countAll(root, measures) {
  const requests = { 'plaintext request': await followPlaintext(root), 'cold file': await followColdFile(root) };
  if (process.env.STRUCTURE_FILES === '1') printFiles(requests);
  return {
    ...readSources(root, measures),
    ...Object.fromEntries(
      Object.entries(requests).flatMap(([name, { files, calls }]) => [
        [`${name}: files`, files],
        [`${name}: calls`, calls],
      ]),
    ),
  };
}

/** STRUCTURE_FILES=1: the files that a request uses, with the calls in each. */
function printFiles(requests) {
  for (const [name, { urls }] of Object.entries(requests)) {
    process.stdout.write(`${name}\n`);
    for (const [url, count] of [...urls].sort(([, a], [, b]) => b - a)) {
      process.stdout.write(`  ${String(count).padStart(4)}  ${url.replace(/^.*\/build\/modules\//, '')}\n`);
    }
  }
}

const measures = await loadMeasures();
// Before any server is loaded: calls that V8 has inlined by then are not counted.
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const roots = [HERE, ...process.argv.slice(2).map((folder) => resolve(folder))];
const columns = [];
for (const root of roots) columns.push(await countAll(root, measures));
const names = Object.keys(columns[0]);
const width = Math.max(...names.map((name) => name.length));
process.stdout.write(`${''.padEnd(width)}${roots.map((root) => `  ${root}`).join('')}\n`);
for (const name of names) {
  const cells = columns.map((counts, at) => `  ${String(counts[name]).padStart(roots[at].length)}`);
  process.stdout.write(`${name.padEnd(width)}${cells.join('')}\n`);
}
