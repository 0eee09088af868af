// Counts instructions per request of this server and of nginx, where the processor's counters are not available. Both
// run in an emulated machine whose clock advances by a nanosecond with each instruction, so processor time counts
// instructions.
//   npm run bench:emulated        (x64, Debian; three minutes)
// Batches have one size for both: the client and a server each run until they wait. The copies of system calls are
// counted as moves of eight bytes, where real processors use one instruction for all: copying looks more expensive
// here.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { find, start } from './children.js';
import { makeMachine, missing } from './emulated/machine.js';
import { median } from './report.js';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const WARM_UP = 60_000;
const REQUESTS = 20_000;
const ROUNDS = 3;
const LIMIT_MS = 1_200_000;

/**
 * `limit`: the highest allowed ratio of our instructions to nginx's, user and kernel mode together; null: no target.
 */
const CASES = [
  { name: '1k', text: '1 KiB file', path: '/1k.bin', more: '', limit: 0.65 },
  { name: '10k', text: '10 KiB file', path: '/10k.bin', more: '', limit: 0.65 },
  { name: '304', text: '304 of the 1 KiB file', path: '/1k.bin', more: ' conditional', limit: null },
];
const MAX_USER = 4_000;

const say = (text) => process.stderr.write(`bench: ${text}\n`);

/** Totals by server and case, one number for each round, read from the console of the machine. */
async function emulate(args) {
  const qemu = start(find('qemu-system-x86_64'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => qemu.kill('SIGKILL'), LIMIT_MS);
  const reported = [];
  const rest = [];
  let isDone = false;
  for await (const line of createInterface({ input: qemu.stdout })) {
    const [, server, name] = /^CASE (\w+) (\w+)/.exec(line) ?? [];
    if (server !== undefined) reported.push({ server, name, totals: [] });
    else if (/^[\d.]+\s*$/.test(line) && reported.length > 0) reported.at(-1).totals.push(Number(line));
    else if (line.startsWith('DONE')) isDone = true;
    else rest.push(line);
    if (server !== undefined) say(`${server}: ${name}`);
  }
  clearTimeout(timer);
  await qemu.ended;
  if (!isDone) throw new Error(`the emulated machine stopped early:\n${rest.slice(-20).join('\n')}`);
  return reported;
}

/** Two marks for each round: instructions before the first one belong to warm-up and rest. */
function usersOf(counts, index) {
  const first = index * ROUNDS * 2;
  return Array.from({ length: ROUNDS }, (_, round) => Number(counts[first + round * 2 + 1]) / REQUESTS);
}

function verdict(figure, limit) {
  return limit === null ? '' : `, ${figure <= limit ? 'met' : 'missed'} (at most ${limit})`;
}

function print(reported, counts) {
  const all = reported.map(({ server, name, totals }, index) => ({
    server,
    name,
    total: median(totals),
    user: median(usersOf(counts, index)),
  }));
  const of = (server, name) => all.find((each) => each.server === server && each.name === name);
  for (const { name, text, limit } of CASES) {
    const [own, nginx] = [of('own', name), of('nginx', name)];
    const ratio = own.total / nginx.total;
    const figures = [own, nginx].map(({ total, user }) => `${total.toFixed(0)} (${user.toFixed(0)} in user mode)`);
    process.stdout.write(
      `${text}: ${figures[0]} instructions, nginx ${figures[1]}: ${ratio.toFixed(3)}${verdict(ratio, limit)}\n`,
    );
  }
  const { user } = of('own', '1k');
  process.stdout.write(`1 KiB file, user mode: ${user.toFixed(0)}${verdict(user, MAX_USER)}\n`);
}

const problem = missing();
if (problem === null) {
  const jobs = ['nginx', 'own'].flatMap((server) =>
    CASES.map(({ name, path, more }) => `${server} ${name} ${path} ${WARM_UP} ${REQUESTS} ${ROUNDS}${more}\n`),
  );
  const { args, counts } = makeMachine(PROJECT, jobs.join(''));
  print(await emulate(args), readFileSync(counts, 'utf8').trim().split('\n'));
} else {
  say(problem);
  process.exitCode = 1;
}
