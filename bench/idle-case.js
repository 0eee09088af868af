// What idle connections cost: the time of the busy ones' requests, and memory.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serverPath, startServer } from './cases.js';
import { checkAnswers } from './checks.js';
import { find, pause, residentOf, Talker } from './children.js';
import { measuredRun } from './rounds.js';

const WANTED = 10_000;
/** Descriptors for everything that is not an idle connection. */
const SPARE = 300;
const OPEN_MS = 60_000;
const HOLDER = fileURLToPath(new URL('idle.js', import.meta.url));

/** How many can be held, and how a program is started so that it may. */
export function idlePlan(say) {
  const bash = find('bash');
  const limit = bash === null ? 1024 : hardLimit(bash);
  const count = Math.min(WANTED, limit - SPARE);
  if (count < WANTED)
    say(`the limit of ${limit} descriptors is too low for ${WANTED} idle connections: ${count} are held`);
  const wrap = (args) => {
    if (bash === null) return { command: process.execPath, args };
    const script = `ulimit -n ${Math.min(limit, WANTED + SPARE)} && exec "$@"`;
    return { command: bash, args: ['-c', script, 'bash', process.execPath, ...args] };
  };
  return { count, wrap };
}

function hardLimit(bash) {
  const text = execFileSync(bash, ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(text);
}

/**
 * One round: without, with, without again; the costs without are averaged, so that drift cancels out. Each run comes
 * after the same two things: a collection, which throws away compiled code too, and a run that compiles it again.
 */
export async function measureIdle(plan, load, seconds) {
  const server = {
    name: 'idle',
    path: '/',
    mode: 'echo',
    counts: false,
    ...plan.wrap(['--expose-gc', serverPath('plaintext.js')]),
  };
  const talker = await startServer(server);
  let holder = null;
  try {
    const warmRun = async () => {
      await load.fixed(talker.port, server, seconds);
      return measuredRun(talker, server, load, seconds);
    };
    await load.fixed(talker.port, server, seconds);
    const heapBefore = await talker.ask('gc');
    const before = await warmRun();
    await talker.ask('gc');
    const residentBefore = residentOf(talker.pid);
    const holding = plan.wrap([HOLDER, `${talker.port}`, `${plan.count}`]);
    holder = new Talker('the holder of idle connections', holding.command, holding.args);
    const held = Number(/^HELD (\d+)$/.exec(await holder.line(OPEN_MS))?.[1]);
    const heapAfter = await talker.ask('gc');
    const residentAfter = residentOf(talker.pid);
    const during = await warmRun();
    const { openConnections } = await talker.ask('stats');
    if (openConnections < held) throw new Error(`only ${openConnections} of ${held} idle connections were still open`);
    await checkAnswers(talker.port, server);
    holder.child.stdin.end();
    await holder.child.ended;
    await pause(300);
    await talker.ask('gc');
    const after = await warmRun();
    const without = (cost(before) + cost(after)) / 2;
    return {
      held,
      withoutUs: without,
      withUs: cost(during),
      change: cost(during) / without - 1,
      drift: cost(after) / cost(before) - 1,
      bytes: (residentAfter - residentBefore) / held,
      heapBytes: (heapAfter.heapUsed - heapBefore.heapUsed) / held,
    };
  } finally {
    await holder?.end();
    await talker.end();
  }
}

function cost(figures) {
  return figures.userUs + figures.systemUs;
}
