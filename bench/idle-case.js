// What idle connections cost: the time of the busy ones' requests, and memory.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startServer } from './cases.js';
import { checkAnswers } from './checks.js';
import { find, pause, residentOf, Talker } from './children.js';
import { HEADS } from './requests.js';
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
  const wrap = (command, args) => {
    if (bash === null) return { command, args };
    const script = `ulimit -n ${Math.min(limit, WANTED + SPARE)} && exec "$@"`;
    return { command: bash, args: ['-c', script, 'bash', command, ...args] };
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
export async function measureIdle(plan, { start, command, args, ...server }, load, seconds) {
  // nginx and the floor have the limit of this process, which Node.js has raised as far as it may.
  const collecting = server.isNode ? ['--expose-gc'] : [];
  const started = start === undefined ? plan.wrap(command, [...collecting, ...args]) : { start };
  const talker = await startServer({ ...server, ...started });
  let holder = null;
  try {
    const collect = async () => (server.isNode ? talker.ask('gc') : null);
    const runs = async () => {
      const figures = {};
      for (const heads of HEADS) {
        await load.recorded(talker.port, server.requests[heads], seconds);
        figures[heads] = await measuredRun(talker, { ...server, counts: false }, heads, load, seconds);
      }
      return figures;
    };
    await load.recorded(talker.port, server.requests.mixed, seconds);
    const heapBefore = await collect();
    const before = await runs();
    await collect();
    const residentBefore = residentOf(talker.pid);
    const holding = plan.wrap(process.execPath, [HOLDER, `${talker.port}`, `${plan.count}`]);
    holder = new Talker('the holder of idle connections', holding.command, holding.args);
    const held = Number(/^HELD (\d+)$/.exec(await holder.line(OPEN_MS))?.[1]);
    const heapAfter = await collect();
    const residentAfter = residentOf(talker.pid);
    const during = await runs();
    if (server.counts) {
      const { connections } = await talker.ask('stats');
      if (connections.open < held)
        throw new Error(`only ${connections.open} of ${held} idle connections were still open`);
    }
    await checkAnswers(talker.port, server, 'mixed');
    holder.child.stdin.end();
    await holder.child.ended;
    await pause(300);
    await collect();
    const after = await runs();
    const changes = HEADS.map((heads) => [heads, changeOf(before[heads], during[heads], after[heads])]);
    return {
      held,
      ...Object.fromEntries(changes),
      bytes: (residentAfter - residentBefore) / held,
      heapBytes: server.isNode ? (heapAfter.heapUsed - heapBefore.heapUsed) / held : null,
    };
  } finally {
    await holder?.end();
    await talker.end();
  }
}

function changeOf(before, during, after) {
  const without = (cost(before) + cost(after)) / 2;
  return {
    withoutUs: without,
    withUs: cost(during),
    change: cost(during) / without - 1,
    drift: cost(after) / cost(before) - 1,
  };
}

function cost(figures) {
  return figures.userUs + figures.systemUs;
}
