// Proves what is said of several measurements: medians, ranges, and that nobody wins where ranges overlap.

import { describe, expect, test } from 'vitest';
import { estimateMs, leftOutFor, planFor } from '../../../src/tools/compare/plan.ts';
import type { Row } from '../../../src/tools/compare/result.ts';
import { cell, digits, duration, MEASURES, summaryOf, verdict } from '../../../src/tools/compare/summary.ts';
import { markdownTable, middleTable, rivalryTable, textTables } from '../../../src/tools/compare/table.ts';
import type { Figures } from '../../../src/tools/compare/trial.ts';
import { warningsOf } from '../../../src/tools/compare/warnings.ts';
import { figures, result } from './results.ts';

/** Two contenders at the middle, with these figures. */
function duel(first: readonly Figures[], second: readonly Figures[]) {
  const whole = result({}, ['epoll', 'poll']);
  const rows = whole.rows.map((row): Row => ({ ...row, rounds: row.contender === 'epoll' ? first : second }));
  return { ...whole, rows };
}

describe('several measurements', () => {
  test('are their median and their range; what was not counted is nothing', () => {
    expect(summaryOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 });
    expect(summaryOf([4, null, 2])).toEqual({ median: 3, low: 2, high: 4 });
    expect(summaryOf([null])).toBeNull();
    expect(summaryOf([])).toBeNull();
  });

  test.each([
    [{ median: 10, low: 10, high: 10 }, '10.0'],
    [{ median: 10, low: 9, high: 11 }, '10.0 ±10 %'],
    [{ median: 10, low: 9.99, high: 10.01 }, '10.0'],
    [{ median: 10, low: 1, high: 100 }, '10.0 (1.00 to 100)'],
    [{ median: 0, low: 0, high: 2 }, '0 (0 to 2.00)'],
    [null, '—'],
  ])('%j is written %s', (summary, text) => {
    expect(cell(summary, digits)).toBe(text);
  });

  test('durations have the unit that a person would take', () => {
    expect([950, 1_500, 12_340, 2_500_000].map(duration)).toEqual(['950 µs', '1.50 ms', '12.3 ms', '2.50 s']);
  });
});

describe('a winner', () => {
  test('is named when its worst is better than the other one’s best', () => {
    const clear = duel([figures(9), figures(10)], [figures(11), figures(12)]);
    expect(verdict(clear, MEASURES.cpu)).toBe('CPU µs/request: epoll before poll (9.50 and 11.5)');
    expect(verdict(clear, MEASURES.perSecond)).toMatch(/^requests\/s: epoll before poll/);
  });

  test('is not named where ranges overlap, by a hair or altogether', () => {
    const close = duel([figures(9), figures(11)], [figures(11), figures(12)]);
    expect(verdict(close, MEASURES.cpu)).toMatch(/no winner, the ranges of epoll, poll overlap/);
    expect(verdict(close, MEASURES.perSecond)).toMatch(/no winner/);
    expect(verdict(duel([figures(9), figures(9)], [figures(9), figures(9)]), MEASURES.cpu)).toMatch(/overlap/);
    expect(verdict(duel([figures(9)], [figures(11)]), MEASURES.cpu)).toMatch(/one measurement has no range/);
  });

  test('needs somebody to win against', () => {
    expect(verdict(duel([figures(9)], []), MEASURES.cpu)).toBe('');
    expect(verdict(result({}, ['epoll']), MEASURES.cpu)).toBe('');
  });
});

describe('warnings', () => {
  const none = { name: 'perf', countsInstructions: true, start: () => Promise.reject(new Error('not here')) };
  const rows = (change: Partial<Figures>) => duel([figures(9, change)], [figures(9)]).rows;
  const { machine } = result();

  test('there are none on a quiet machine with fast clients', () => {
    expect(warningsOf(rows({}), none, machine)).toEqual([]);
  });

  test.each([
    [rows({ loadShare: 0.97 }), none, machine, /the load generator was the bottleneck .* \(epoll\)/],
    [rows({ strangerShare: 0.8 }), none, machine, /busy with something else in \d+ of \d+ .* \(up to 80 %/],
    [rows({}), none, { ...machine, processors: 1 }, /one processor/],
    [rows({}), { ...none, name: '' }, machine, /neither perf nor strace/],
    [rows({}), { ...none, name: 'strace' }, machine, /counted by strace/],
    [rows({}), { ...none, countsInstructions: false }, machine, /cannot count instructions/],
  ])('%#', (those, counters, on, said) => {
    expect(warningsOf(those, counters, on)).toEqual([expect.stringMatching(said)]);
  });
});

describe('the plan', () => {
  const wishes = { mode: 'quick', dials: [], rounds: 0, windowMs: 0 } as const;

  test('takes two minutes or thirty for the eight models, more for more', () => {
    expect(estimateMs(planFor(wishes, 8, 20_000), 8)).toBeLessThanOrEqual(120_000);
    const full = planFor({ ...wishes, mode: 'full' }, 8, 20_000);
    expect(estimateMs(full, 8)).toBeGreaterThan(1_000_000);
    expect(estimateMs(full, 8)).toBeLessThanOrEqual(1_800_000);
    expect(planFor(wishes, 16, 20_000).maxMs).toBe(240_000);
  });

  test('turns the dials that were asked for, quickly too, and always measures the middle', () => {
    const dialsOf = (dials: readonly string[], mode: 'quick' | 'full') =>
      planFor({ ...wishes, mode, dials }, 8, 20_000).turns.map(({ dial, position }) => `${dial} ${position}`.trim());
    expect(dialsOf([], 'quick')).toEqual(['middle', 'clients 1', 'idle 1000']);
    expect(dialsOf(['file'], 'quick')).toEqual(['middle', 'file 1 KiB']);
    expect(dialsOf(['idle', 'slow'], 'full')).toEqual(['middle', 'idle 1000', 'idle 10000', 'slow 50']);
  });

  test('leaves out what descriptors are too few for, and says so', () => {
    const full = { ...wishes, mode: 'full' } as const;
    expect(leftOutFor(full, 20_000)).toEqual([]);
    expect(leftOutFor(full, 800)).toEqual(['clients at 1000', 'idle at 1000', 'idle at 10000']);
    expect(planFor(full, 8, 800).mostClients).toBe(800);
  });
});

describe('tables', () => {
  test('have a line for each contender and the same cells in each', () => {
    const cells = middleTable(result());
    expect(cells).toHaveLength(9);
    expect(new Set(cells.map(({ length }) => length))).toEqual(new Set([14]));
    expect(cells.at(-1)?.slice(0, 2)).toEqual(['epoll', '98,039 ±5 %']);
    expect(cells[1]).toContain('1');
    expect(markdownTable(cells).split('\n')).toHaveLength(10);
  });

  test('the rivals stand beside each other', () => {
    const cells = rivalryTable(result());
    expect(cells[0]).toEqual(['', 'epoll', 'nonblocking']);
    expect(cells.map(([text]) => text?.split(':')[0])).toContain('at rest');
    expect(rivalryTable(result({}, ['poll']))[0]).toEqual(['']);
  });

  test('the terminal hears what is missing and what is doubtful', () => {
    const text = textTables(result({ incomplete: 'it was interrupted' }));
    expect(text).toContain('INCOMPLETE: it was interrupted');
    expect(text).toContain('note: perf cannot count instructions');
    expect(text).toMatch(/^idle .* iterative .*it takes one client at once$/m);
    expect(text).toMatch(/^clients +256 +iterative .*it takes one client at once: the others waited or were refused$/m);
    expect(text).toMatch(/^clients +1 +iterative .*\d$/m);
  });
});
