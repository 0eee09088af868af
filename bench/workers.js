// Measures what a second worker brings, for an application that computes 200 us per request: requests a second, and
// requests per processor second, with --workers 1 and --workers 2 by turns. The ratio of each pair counts, since other
// programs of the machine change both. Two idle processors are needed for the whole gain.
//   node bench/workers.js [--pairs N] [--seconds N]

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ControlledChild, cpuOf } from './children.js';
import { Load } from './load.js';
import { compute } from './servers/computing.js';

const COMMAND = fileURLToPath(new URL('../dist/epoll-server.js', import.meta.url));
const APPLICATION = fileURLToPath(new URL('servers/computing.js', import.meta.url));
const COMPUTED_US = 200;
const WARM_SECONDS = 1;

/** Steps of `compute` that take {@link COMPUTED_US} of processor time. */
function calibrate() {
  const steps = 20_000_000;
  compute(steps);
  const before = process.cpuUsage().user;
  compute(steps);
  return Math.round((steps * COMPUTED_US) / (process.cpuUsage().user - before));
}

function childrenOf(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function cpuSeconds(pids) {
  return pids.reduce((sum, pid) => sum + cpuOf(pid).user + cpuOf(pid).system, 0);
}

/** The time that processors of the machine were idle. */
function idleSeconds() {
  const [, , , , idle, waiting] = readFileSync('/proc/stat', 'utf8').split(/\s+/).map(Number);
  return (idle + waiting) / 100;
}

async function measure(workers, steps, seconds) {
  const flags = ['0', APPLICATION, '--workers', `${workers}`, '--no-access-log'];
  const child = new ControlledChild('computing', process.execPath, [COMMAND, ...flags], {
    env: { ...process.env, COMPUTING_STEPS: `${steps}` },
  });
  const port = Number(/:(\d+)\//.exec(await child.line())?.[1]);
  const load = new Load();
  await load.fixed(port, { path: '/' }, WARM_SECONDS);
  const pids = [child.pid, ...childrenOf(child.pid)];
  const before = cpuSeconds(pids);
  const idle = idleSeconds();
  const { requests, seconds: took } = await load.fixed(port, { path: '/' }, seconds);
  const cpu = cpuSeconds(pids) - before;
  const idleShare = (idleSeconds() - idle) / took;
  await child.end();
  return { rate: requests / took, perCpuSecond: requests / cpu, cpus: cpu / took, idleShare };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '7' }, seconds: { type: 'string', default: '5' } },
});
const steps = calibrate();
process.stdout.write(
  `${steps} steps take ${COMPUTED_US} us; ${spawnSync('nproc', { encoding: 'utf8' }).stdout.trim()} processors\n`,
);
const pairs = [];
for (let i = 0; i < Number(values.pairs); i++) {
  const one = await measure(1, steps, Number(values.seconds));
  const two = await measure(2, steps, Number(values.seconds));
  const pair = { requests: two.rate / one.rate, efficiency: two.perCpuSecond / one.perCpuSecond };
  pairs.push(pair);
  const shown = [one, two].map(
    ({ rate, cpus, idleShare }) =>
      `${rate.toFixed(0)}/s on ${cpus.toFixed(2)} processors (${idleShare.toFixed(2)} idle)`,
  );
  process.stdout.write(
    `${shown.join(', then ')}: ${pair.requests.toFixed(2)} x requests, ${pair.efficiency.toFixed(2)} x per processor second\n`,
  );
}
const of = (name) => median(pairs.map((pair) => pair[name])).toFixed(2);
process.stdout.write(`median: ${of('requests')} x requests, ${of('efficiency')} x per processor second\n`);
process.exit();
