// Tests the summary of several measurements: medians, ranges, and no winner where ranges overlap.

import { describe, expect, test } from 'vitest';
import { estimateMs, planFor, skippedFor } from '../../../src/tools/compare/plan.ts';
import type { Row } from '../../../src/tools/compare/result.ts';
import { cell, digits, duration, MEASURES, summaryOf, verdict } from '../../../src/tools/compare/summary.ts';
import { baselineTable, headToHeadTable, markdownTable, textTables } from '../../../src/tools/compare/table.ts';
import type { Figures } from '../../../src/tools/compare/trial.ts';
import { warningsOf } from '../../../src/tools/compare/warnings.ts';
import { figures, result } from './results.ts';

/** Two contenders at the baseline, with these figures. */
function duel(first: readonly Figures[], second: readonly Figures[]) {
  const whole = result({}, ['epoll', 'poll']);
  const rows = whole.rows.map((row): Row => ({ ...row, rounds: row.contender === 'epoll' ? first : second }));
  return { ...whole, rows };
}

describe('several measurements', () => {
  test('give a median and a range; missing counts give null', () => {
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

  test('durations have a fitting unit', () => {
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

  test('needs a second contender', () => {
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
    [rows({ otherShare: 0.8 }), none, machine, /kept the machine busy in \d+ of \d+ .* \(up to 80 %/],
    [rows({}), none, { ...machine, processors: 1 }, /one processor/],
    [rows({}), { ...none, name: '' }, machine, /neither perf nor strace/],
    [rows({}), { ...none, name: 'strace' }, machine, /counted by strace/],
    [rows({}), { ...none, countsInstructions: false }, machine, /instructions were not counted/],
  ])('%#', (those, counters, on, pattern) => {
    expect(warningsOf(those, counters, on)).toEqual([expect.stringMatching(pattern)]);
  });
});

describe('the plan', () => {
  const request = { mode: 'quick', parameters: [], rounds: 0, windowMs: 0 } as const;

  test('takes two or thirty minutes for the eight models, and more for more contenders', () => {
    expect(estimateMs(planFor(request, 8, 20_000), 8)).toBeLessThanOrEqual(120_000);
    const full = planFor({ ...request, mode: 'full' }, 8, 20_000);
    expect(estimateMs(full, 8)).toBeGreaterThan(1_000_000);
    expect(estimateMs(full, 8)).toBeLessThanOrEqual(1_800_000);
    expect(planFor(request, 16, 20_000).maxMs).toBe(240_000);
  });

  test('varies the requested parameters, also with --quick, and always measures the baseline', () => {
    const variationsOf = (parameters: readonly string[], mode: 'quick' | 'full') =>
      planFor({ ...request, mode, parameters }, 8, 20_000).variations.map(({ parameter, position }) =>
        `${parameter} ${position}`.trim(),
      );
    expect(variationsOf([], 'quick')).toEqual(['baseline', 'clients 1', 'idle 1000']);
    expect(variationsOf(['file'], 'quick')).toEqual(['baseline', 'file 1 KiB']);
    expect(variationsOf(['idle', 'slow'], 'full')).toEqual(['baseline', 'idle 1000', 'idle 10000', 'slow 50']);
  });

  test('skips variations for which the descriptor limit is too low, and lists them', () => {
    const full = { ...request, mode: 'full' } as const;
    expect(skippedFor(full, 20_000)).toEqual([]);
    expect(skippedFor(full, 800)).toEqual(['clients at 1000', 'idle at 1000', 'idle at 10000']);
    expect(planFor(full, 8, 800).mostClients).toBe(800);
  });
});

describe('tables', () => {
  test('have a line for each contender and the same cells in each', () => {
    const cells = baselineTable(result());
    expect(cells).toHaveLength(9);
    expect(new Set(cells.map(({ length }) => length))).toEqual(new Set([14]));
    expect(cells.at(-1)?.slice(0, 2)).toEqual(['epoll', '98,039 ±5 %']);
    expect(cells[1]).toContain('1');
    expect(markdownTable(cells).split('\n')).toHaveLength(10);
  });

  test('epoll and the busy loop stand side by side', () => {
    const cells = headToHeadTable(result());
    expect(cells[0]).toEqual(['', 'epoll', 'nonblocking']);
    expect(cells.map(([text]) => text?.split(':')[0])).toContain('at rest');
    expect(headToHeadTable(result({}, ['poll']))[0]).toEqual(['']);
  });

  test('the terminal output lists what is missing and the warnings', () => {
    const text = textTables(result({ incomplete: 'interrupted' }));
    expect(text).toContain('INCOMPLETE: interrupted');
    expect(text).toContain('note: instructions were not counted');
    expect(text).toMatch(/^idle .* iterative .*it serves one client at once$/m);
    expect(text).toMatch(
      /^clients +256 +iterative .*it serves one client at once; the others waited or were rejected$/m,
    );
    expect(text).toMatch(/^clients +1 +iterative .*\d$/m);
  });
});
