// Tests the built server under failures of the real kernel: failing system calls, and hardships of the whole process,
// under load. Needs strace; uses slowhttptest and faketime if they are installed.
//   npm run torture                      everything; about seventeen minutes
//   npm run torture -- --only close      one system call
//   npm run torture -- --hardships       only the hardships
//   npm run torture -- --hostile         only the hostile clients
//   npm run torture -- --write           writes the tables of docs/faults.md
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from './arguments.js';
import { load, requestOnce, slowReader, uploader } from './torture/clients.js';
import { HARDSHIPS } from './torture/hardships.js';
import { HOSTILE } from './torture/hostile.js';
import { INJECTIONS, LEAKS_WHEN_INJECTED } from './torture/injections.js';
import { makeSite, pause, surplusOf, Target } from './torture/target.js';
import { UPLOADS } from './torture/uploads.js';

const DOCUMENT = fileURLToPath(new URL('../docs/faults.md', import.meta.url));
const LOAD_MS = 1_500;
const CLIENTS = 12;
/** Every seventh call fails, beginning with the third. */
const WHEN = '3+7';
const WHEN_RARE = '1+2';
/** The allowed growth of the process: caches and the slack of the heap. */
const MAX_GROWTH_BYTES = 64 * 2 ** 20;

const values = readOptions(import.meta.url, {
  only: { type: 'string' },
  hardships: { type: 'boolean', default: false },
  hostile: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
});

for (const tool of ['strace']) {
  if (spawnSync(tool, ['-V']).status === 0) continue;
  process.stderr.write(`${tool} is not installed (apt-get install ${tool})\n`);
  process.exit(2);
}

/** Attaches strace to all threads of a running process; `stop()` ends it and counts the failures. */
async function inject(target, { call, errno, isRare }, folder) {
  const log = join(folder, 'strace.log');
  const rule = `inject=${call}:error=${errno}:when=${isRare ? WHEN_RARE : WHEN}`;
  const strace = spawn(
    'strace',
    ['-f', '-qq', '-p', String(target.pid), '-e', `trace=${call}`, '-e', rule, '-o', log],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const exited = new Promise((resolve) => strace.once('exit', resolve));
  await pause(150);
  return {
    stop: async () => {
      strace.kill('SIGINT');
      await exited;
      const injected = readFileSync(log, 'utf8').split('(INJECTED)').length - 1;
      rmSync(log, { force: true });
      return injected;
    },
  };
}

/** Waits up to 4 s for the descriptors of before. Returns the surplus ones. */
async function surplusDescriptors(target, before, root) {
  for (let waited = 0; target.isAlive; waited += 100) {
    const surplus = surplusOf(before, target.descriptors(), root);
    if (surplus.length === 0 || waited >= 4_000) return surplus;
    await pause(100);
  }
  return [];
}

/** One system call with one error, under load. */
async function injection(target, { call, errno, isRare, isOneByOne }, { root, folder }, before) {
  const untilMs = Date.now() + LOAD_MS;
  // A server that serves one client at a time would serve only these.
  const others = isOneByOne ? [] : [slowReader(target.port), uploader(target.port)];
  const strace = await inject(target, { call, errno, isRare }, folder);
  const outcomes = await load(target.port, { clients: isOneByOne ? 2 : CLIENTS, untilMs });
  const injected = await strace.stop();
  for (const other of others) await other.stop();
  const after = target.isAlive ? await requestOnce(target.port) : 'ended';
  const surplus = await surplusDescriptors(target, before, root);
  const isExplained = surplus.length === 0 || (LEAKS_WHEN_INJECTED.has(call) && surplus.length <= injected);
  const isRight = target.isAlive && after === 'right' && outcomes.wrong === undefined && isExplained;
  if (!isExplained) process.stdout.write(`descriptors that remain open: ${surplus.join(', ')}\n`);
  return { call, errno, injected, outcomes, after, surplus: surplus.length, isRight, isUsed: injected > 0 };
}

function outcomeText({ isUsed, outcomes, surplus, after }) {
  if (!isUsed) return 'not called under this load';
  const { right = 0, ...others } = outcomes;
  const rest = Object.entries(others).map(([name, count]) => `${count} ${name}`);
  const leak = surplus === 0 ? '' : `; ${surplus} descriptors open after calls that were not executed`;
  return `${right} right${rest.length > 0 ? `, ${rest.join(', ')}` : ''}; then: ${after}${leak}`;
}

/** All cases of servers that start in the same way. Returns whether their memory stayed within the limit. */
async function injectionsInto(flags, cases, site, rows) {
  let target = await Target.start(site.root, { flags });
  const isOneByOne = flags.includes('iterative');
  await load(target.port, { clients: CLIENTS, untilMs: Date.now() + 2_000 });
  await pause(2_000);
  const residentBytes = target.residentBytes();
  let before = target.descriptors();
  for (const { call, errno, isRare } of cases) {
    const row = await injection(target, { call, errno, isRare, isOneByOne }, site, before);
    const name = [`\`${call}\``, ...flags].join(' ').replace(' --', ', ');
    rows.push({ ...row, name, text: outcomeText(row) });
    process.stdout.write(
      `${row.isRight ? 'ok    ' : 'FAILED'} ${name} ${errno}, ${row.injected} times: ${outcomeText(row)}\n`,
    );
    if (!target.isAlive) {
      process.stdout.write(`the server ended (${target.exit}): ${target.stderr}\n`);
      target = await Target.start(site.root, { flags });
    }
    before = target.descriptors();
  }
  const grownBytes = target.residentBytes() - residentBytes;
  const isBounded = grownBytes < MAX_GROWTH_BYTES;
  process.stdout.write(`${isBounded ? 'ok    ' : 'FAILED'} memory: ${Math.round(grownBytes / 2 ** 20)} MiB growth\n`);
  await target.stop();
  return isBounded;
}

/** Every case, with one server for all cases that start it in the same way. */
async function injections(rows) {
  const site = makeSite();
  const ways = new Map();
  for (const { call, errors, isRare = false, flags = [] } of INJECTIONS) {
    if (values.only !== undefined && call !== values.only) continue;
    const way = ways.get(flags.join(' ')) ?? { flags, cases: [] };
    ways.set(flags.join(' '), way);
    for (const errno of errors) way.cases.push({ call, errno, isRare });
  }
  let isBounded = true;
  for (const { flags, cases } of ways.values()) {
    isBounded = (await injectionsInto(flags, cases, site, rows)) && isBounded;
  }
  site.remove();
  return isBounded;
}

let skipped = 0;

async function hardships(list, rows) {
  for (const { name, run, needs } of list) {
    if (needs !== undefined && spawnSync('which', [needs]).status !== 0) {
      process.stdout.write(`NOT TRIED: ${name}: ${needs} is not installed\n`);
      skipped++;
      continue;
    }
    const row = await run().catch((error) => ({ isRight: false, text: error.message }));
    rows.push({ name, ...row });
    process.stdout.write(`${row.isRight ? 'ok    ' : 'FAILED'} ${name}: ${row.text}\n`);
  }
}

/** Replaces the table between the two markers of `name` in the document. */
function writeTable(name, head, lines) {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [begin, end] = [`<!-- ${name}: made by npm run torture -- --write -->`, `<!-- end of ${name} -->`];
  const [front, back] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  const rule = head.map(() => '---');
  const rows = [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  writeFileSync(DOCUMENT, `${text.slice(0, front)}\n\n${rows}\n\n${text.slice(back)}`);
}

const [calls, trials, hostile] = [[], [], []];
const isBounded = values.hardships || values.hostile ? true : await injections(calls);
if (values.only === undefined && !values.hostile) await hardships([...HARDSHIPS, ...UPLOADS], trials);
if (values.only === undefined && !values.hardships) await hardships(HOSTILE, hostile);
if (values.write && calls.length > 0) {
  const lines = calls.map(({ name, errno, injected, text }) => [name, errno, injected, text]);
  writeTable('injections', ['system call', 'error', 'times', 'clients'], lines);
}
for (const [name, rows] of Object.entries({ hardships: trials, 'hostile clients': hostile })) {
  if (!values.write || rows.length === 0) continue;
  writeTable(
    name,
    ['hardship', 'outcome'],
    rows.map((row) => [row.name, row.text]),
  );
}
const all = [...calls, ...trials, ...hostile];
const failed = all.filter(({ isRight }) => !isRight).length;
process.stdout.write(`${all.length - failed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(failed === 0 && isBounded ? 0 : 1);
