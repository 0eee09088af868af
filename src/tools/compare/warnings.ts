// The warnings of a comparison: what makes its figures doubtful. Bounds are shares of one processor.

import { max } from 'd3-array';
import type { Counters } from './counters.ts';
import type { Machine } from './machine.ts';
import type { Row } from './result.ts';

/** A generator above this share is the bottleneck. */
const MAX_LOAD_SHARE = 0.9;

/** Other programs above this share take time from the server or from the load generator. */
const MAX_OTHER_SHARE = 0.15;

export function warningsOf(rows: readonly Row[], counters: Counters, machine: Machine): readonly string[] {
  const warnings: string[] = [];
  const all = rows.flatMap(({ rounds }) => rounds);
  const limited = rows.filter(({ rounds }) => rounds.some(({ loadShare }) => loadShare > MAX_LOAD_SHARE));
  if (limited.length > 0) {
    const names = [...new Set(limited.map(({ contender }) => contender))].join(', ');
    warnings.push(
      `the load generator was the bottleneck in ${limited.length} of ${rows.length} rows (${names}): these servers can serve more requests a second than the table shows; their cost per request is correct`,
    );
  }
  const disturbed = all.filter(({ otherShare }) => otherShare > MAX_OTHER_SHARE);
  if (disturbed.length > 0) {
    const most = Math.round((max(disturbed, ({ otherShare }) => otherShare) ?? 0) * 100);
    warnings.push(
      `other programs kept the machine busy in ${disturbed.length} of ${all.length} measurements (up to ${most} % of a processor)`,
    );
  }
  if (machine.processors < 2)
    warnings.push('the machine has one processor, which the load generator and the servers shared');
  if (counters.name === '') warnings.push('system calls were not counted: neither perf nor strace works here');
  if (counters.name === 'strace')
    warnings.push('system calls were counted by strace, which slows the server down, in a separate window');
  if (!counters.countsInstructions)
    warnings.push('instructions were not counted: perf cannot count them on this machine');
  return warnings;
}
