// What makes the figures of a comparison doubtful, in sentences. Bounds are shares of one processor.

import { max } from 'd3-array';
import type { Counters } from './counters.ts';
import type { Machine } from './machine.ts';
import type { Row } from './result.ts';

/** A generator that takes more than this has no time left to ask faster. */
const MAX_LOAD_SHARE = 0.9;

/** Other programs that take more than this take it from the server or from the load. */
const MAX_STRANGER_SHARE = 0.15;

export function warningsOf(rows: readonly Row[], counters: Counters, machine: Machine): readonly string[] {
  const said: string[] = [];
  const all = rows.flatMap(({ rounds }) => rounds);
  const limited = rows.filter(({ rounds }) => rounds.some(({ loadShare }) => loadShare > MAX_LOAD_SHARE));
  if (limited.length > 0) {
    const names = [...new Set(limited.map(({ contender }) => contender))].join(', ');
    said.push(
      `the load generator was the bottleneck in ${limited.length} of ${rows.length} rows (${names}): those servers can do more requests a second than the table says; their cost per request is right`,
    );
  }
  const disturbed = all.filter(({ strangerShare }) => strangerShare > MAX_STRANGER_SHARE);
  if (disturbed.length > 0) {
    const most = Math.round((max(disturbed, ({ strangerShare }) => strangerShare) ?? 0) * 100);
    said.push(
      `the machine was busy with something else in ${disturbed.length} of ${all.length} measurements (up to ${most} % of a processor)`,
    );
  }
  if (machine.processors < 2)
    said.push('there is one processor: the load generator and the servers took it from each other');
  if (counters.name === '') said.push('neither perf nor strace can count here: no system calls are counted');
  if (counters.name === 'strace')
    said.push('system calls were counted by strace, in a window of its own that it slows down');
  if (!counters.countsInstructions) said.push('perf cannot count instructions on this machine: that column is empty');
  return said;
}
