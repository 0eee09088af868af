// The cost of idle connections: processor time of the busy connections' requests, and memory.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startServer } from './cases.js';
import { checkResponses } from './checks.js';
import { ControlledChild, find, pause, residentOf } from './children.js';
import { HEADS } from './requests.js';
import { measuredRun } from './rounds.js';

const IDLE_CONNECTIONS = 10_000;
/** Descriptors for everything that is not an idle connection. */
const SPARE = 300;
const OPEN_MS = 60_000;
const HOLDER = fileURLToPath(new URL('idle.js', import.meta.url));

/** How many connections can be held, and how a program is started with that limit of descriptors. */
export function idlePlan(say) {
  const bash = find('bash');
  const limit = bash === null ? 1024 : hardLimit(bash);
  const count = Math.min(IDLE_CONNECTIONS, limit - SPARE);
  if (count < IDLE_CONNECTIONS)
    say(
      `holding only ${count} of ${IDLE_CONNECTIONS} idle connections: the limit of descriptors is ${limit} (raise it with ulimit -n)`,
    );
  const wrap = (command, args) => {
    if (bash === null) return { command, args };
    const script = `ulimit -n ${Math.min(limit, IDLE_CONNECTIONS + SPARE)} && exec "$@"`;
    return { command: bash, args: ['-c', script, 'bash', command, ...args] };
  };
  return { count, wrap };
}

function hardLimit(bash) {
  const text = execFileSync(bash, ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(text);
}

/** A tenth of the connections comes first: those load code and tables, and do not count. */
const FIRST_SHARE = 0.1;

/**
 * Resident bytes of an idle connection after one request. `wanted`: how many, if the plan allows it; `mode`: for
 * bench/idle.js. nginx, which collects no garbage, has no `query`.
 */
export async function bytesOfIdle(child, plan, wanted, ...mode) {
  const count = Math.min(wanted, Math.floor(plan.count / (1 + FIRST_SHARE)));
  const holders = [];
  const hold = async (number) => {
    const { command, args } = plan.wrap(process.execPath, [HOLDER, `${child.port}`, `${number}`, ...mode]);
    const holder = new ControlledChild('bench/idle.js', command, args);
    holders.push(holder);
    return Number(/^HELD (\d+)$/.exec(await holder.line(OPEN_MS))?.[1]);
  };
  try {
    await hold(Math.ceil(count * FIRST_SHARE));
    await child.query?.('gc');
    const before = residentOf(child.pid);
    const held = await hold(count);
    await child.query?.('gc');
    return (residentOf(child.pid) - before) / held;
  } finally {
    for (const holder of holders) await holder.end();
  }
}

/**
 * One round: without, with, and again without idle connections. The costs without are averaged, so that drift cancels
 * out. Each run follows the same two steps: a collection, which also discards compiled code, and a run that compiles it
 * again.
 */
export async function measureIdle(plan, { start, command, args, ...server }, load, seconds) {
  // nginx and the C floor inherit the limit of this process, which Node.js raises as far as allowed.
  const collecting = server.isNode ? ['--expose-gc'] : [];
  const started = start === undefined ? plan.wrap(command, [...collecting, ...args]) : { start };
  const child = await startServer({ ...server, ...started });
  let holder = null;
  try {
    const collect = async () => (server.isNode ? child.query('gc') : null);
    const runs = async () => {
      const figures = {};
      for (const heads of HEADS) {
        await load.recorded(child.port, server.requests[heads], seconds);
        figures[heads] = await measuredRun(child, { ...server, counts: false }, heads, load, seconds);
      }
      return figures;
    };
    await load.recorded(child.port, server.requests.mixed, seconds);
    const heapBefore = await collect();
    const before = await runs();
    await collect();
    const residentBefore = residentOf(child.pid);
    const holding = plan.wrap(process.execPath, [HOLDER, `${child.port}`, `${plan.count}`]);
    holder = new ControlledChild('bench/idle.js', holding.command, holding.args);
    const held = Number(/^HELD (\d+)$/.exec(await holder.line(OPEN_MS))?.[1]);
    const heapAfter = await collect();
    const residentAfter = residentOf(child.pid);
    const during = await runs();
    if (server.counts) {
      const { connections } = await child.query('stats');
      if (connections.open < held)
        throw new Error(`only ${connections.open} of ${held} idle connections were still open`);
    }
    await checkResponses(child.port, server, 'mixed');
    holder.process.stdin.end();
    await holder.process.ended;
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
    await child.end();
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
