// Measures applications for node:http over this server beside node:http itself: processor time of a request, and memory of
// an idle connection. Both servers of an application run side by side and are loaded in turn. Each round gives one ratio,
// and the result is the median of the ratios. Express, Koa and Fastify are those of .ci/tools/frameworks.
//   npm run bench:node
//   npm run bench:node -- --only bare,express --rounds 9 --seconds 3
//   npm run bench:node -- --heads identical --idle 10000

import { fileURLToPath } from 'node:url';
import { readOptions } from '../scripts/arguments.js';
import { installTools } from '../scripts/tools.js';
import { makeScratch } from './cases.js';
import { ControlledChild, cpuOf } from './children.js';
import { bytesOfIdle, idlePlan } from './idle-case.js';
import { Load } from './load.js';
import { median } from './report.js';
import { HEADS, targetsOf, writeRequests } from './requests.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SERVER = fileURLToPath(new URL('servers/node-application.js', import.meta.url));
const REGISTER = new URL('../dist/register.js', import.meta.url).href;
/** As a browser or a script writes it: several kinds of values, 1 KiB. */
const BODY = JSON.stringify({ id: 1_234_567, isNew: true, tags: ['a', 'b', 'c'], text: 'x'.repeat(966) });

/** Cases: what is measured, and the most that its ratio may be; Express depends on the major version of Node.js. */
const CASES = [
  { name: 'bare', title: 'bare hello', target: 0.45 },
  { name: 'express', title: 'Express 5 hello', target: process.versions.node.startsWith('20.') ? 0.35 : 0.65 },
  { name: 'koa', title: 'Koa hello', target: 0.6 },
  { name: 'fastify', title: 'Fastify hello', target: 0.6 },
  { name: 'json', title: '1 KiB JSON POST, express.json()', target: 0.7 },
];
const IDLE_TARGET = 0.4;

const values = readOptions(import.meta.url, {
  only: { type: 'string' },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '2' },
  heads: { type: 'string', default: 'mixed' },
  idle: { type: 'string', default: '5000' },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

function say(text) {
  process.stderr.write(`bench:node: ${text}\n`);
}

/** Starts an application over one of the two servers. */
async function start(name, isOurs, packages, wrap = (command, args) => ({ command, args })) {
  const imported = isOurs ? ['--import', REGISTER] : [];
  const { command, args } = wrap(process.execPath, ['--expose-gc', ...imported, SERVER, name, packages]);
  const env = { ...process.env, NODE_ENV: 'production', EPOLL_SERVER_QUIET: '1' };
  const child = new ControlledChild(name, command, args, { env });
  child.port = Number(/^PORT (\d+)$/.exec(await child.line())?.[1]);
  return child;
}

/** Processor microseconds of a request while `load` runs. */
async function costOf(child, load) {
  const before = cpuOf(child.pid);
  const { requests } = await load(child.port);
  const after = cpuOf(child.pid);
  return ((after.user - before.user + after.system - before.system) * 1e6) / requests;
}

/** The costs of both servers, and their ratio. */
async function measureCase({ name }, load, packages) {
  const [native, ours] = [await start(name, false, packages), await start(name, true, packages)];
  try {
    for (const child of [native, ours]) await load(child.port);
    const found = [];
    for (let round = 0; round < rounds; round++) {
      const costs = { native: await costOf(native, load), ours: await costOf(ours, load) };
      found.push({ ...costs, ratio: costs.ours / costs.native });
      say(`${name}: round ${round + 1} of ${rounds}: ${costs.native.toFixed(1)} us and ${costs.ours.toFixed(1)} us`);
    }
    const of = (key) => median(found.map((each) => each[key]));
    return { native: of('native'), ours: of('ours'), ratio: of('ratio') };
  } finally {
    await native.end();
    await ours.end();
  }
}

async function idleBytes(isOurs, plan, count, packages) {
  const child = await start('bare', isOurs, packages, plan.wrap);
  try {
    return await bytesOfIdle(child, plan, count);
  } finally {
    await child.end();
  }
}

function line(title, unit, { native, ours, ratio }, target) {
  const digits = unit === 'us' ? 1 : 0;
  const costs = `node:http ${native.toFixed(digits).padStart(7)} ${unit}, here ${ours.toFixed(digits).padStart(7)} ${unit}`;
  const verdict = ratio <= target ? 'met   ' : 'missed';
  return `  ${verdict}  ${title.padEnd(32)} ${costs}, ratio ${ratio.toFixed(2)} (at most ${target})\n`;
}

async function measureIdle(packages) {
  const plan = idlePlan(say);
  const count = Number(values.idle);
  const native = await idleBytes(false, plan, count, packages);
  const ours = await idleBytes(true, plan, count, packages);
  return { native, ours, ratio: ours / native };
}

async function main() {
  const names = [...CASES.map(({ name }) => name), 'idle'];
  const wanted = values.only?.split(',') ?? names;
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}: ${names.join(', ')}`);
  if (!HEADS.includes(values.heads)) throw new Error(`there are no heads ${values.heads}: ${HEADS.join(', ')}`);
  if (!(rounds >= 1 && seconds > 0)) throw new Error('rounds and seconds are numbers above 0');
  const needsPackages = wanted.some((name) => name !== 'bare' && name !== 'idle');
  const packages = needsPackages ? installTools(ROOT, 'frameworks') : ROOT;
  const load = new Load();
  const targets = (client) => targetsOf(() => '/?n=@@@@@@', values.heads, client);
  const folder = writeRequests(makeScratch(), 'node', values.heads, targets);
  const hello = (port) => load.recorded(port, folder, seconds);
  const posted = (port) => load.posted(port, BODY, seconds);
  process.stdout.write(`Node.js ${process.version}, ${values.heads} heads, load by ${load.name}\n`);
  for (const each of CASES.filter(({ name }) => wanted.includes(name))) {
    const result = await measureCase(each, each.name === 'json' ? posted : hello, packages);
    process.stdout.write(line(each.title, 'us', result, each.target));
  }
  if (wanted.includes('idle')) {
    process.stdout.write(line('an idle connection', 'bytes', await measureIdle(packages), IDLE_TARGET));
  }
}

await main().catch((error) => {
  say(error.message);
  process.exitCode = 1;
});
process.exit();
