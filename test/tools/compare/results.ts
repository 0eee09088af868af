// Made-up results of a comparison, for tests of tables and reports.

import { MODEL_NAMES } from '../../../src/options/choices.ts';
import { planFor } from '../../../src/tools/compare/plan.ts';
import { type ComparisonResult, type Entry, type Row, SCHEMA } from '../../../src/tools/compare/result.ts';
import type { Figures } from '../../../src/tools/compare/trial.ts';

export const MODELS: readonly string[] = MODEL_NAMES;

/** Plausible figures with `cost` µs per request. */
export function figures(cost: number, change: Partial<Figures> = {}): Figures {
  return {
    perSecond: 900_000 / cost,
    p50Us: cost * 40,
    p99Us: cost * 90,
    p999Us: cost * 200,
    userUs: cost * 0.4,
    systemUs: cost * 0.6,
    switches: 0.05,
    systemCalls: 2,
    instructions: null,
    residentBytes: 50 * 2 ** 20,
    idleBytes: null,
    badResponses: 0,
    failures: 0,
    checked: 100,
    wrong: 0,
    loadShare: 0.6,
    otherShare: 0,
    ...change,
  };
}

function entry(name: string): Entry {
  return { name, kind: 'model', version: '0.1.0', rest: [0, 0.01], most: name === 'iterative' ? 1 : 10_000 };
}

/** All models at all positions, except for `change`. */
export function result(change: Partial<ComparisonResult> = {}, names: readonly string[] = MODELS): ComparisonResult {
  const plan = planFor({ mode: 'full', parameters: [], rounds: 0, windowMs: 0 }, names.length, 20_000);
  const rows = names.flatMap((contender, i): readonly Row[] =>
    plan.variations.map((variation) => {
      const cost = 8 + names.length - i + variation.setting.idle / (contender === 'epoll' ? 1e6 : 100);
      const isLeftOut = contender === 'iterative' && variation.setting.idle > 0;
      const rounds = isLeftOut ? [] : [figures(cost), figures(cost * 1.1), figures(cost * 1.02)];
      return { ...variation, contender, rounds, problem: isLeftOut ? 'it serves one client at once' : '' };
    }),
  );
  return {
    schema: SCHEMA,
    date: '2026-11-21T10:00:00.000Z',
    seconds: 1_700,
    command: 'epoll-server compare --full',
    incomplete: '',
    plan,
    machine: {
      processor: 'Example 3000 & sons',
      processors: 4,
      memoryBytes: 8 * 2 ** 30,
      system: 'Linux 6.1.0 x64',
      node: 'v20.20.2',
      version: '0.1.0',
      commit: '0123456789',
      load: 0.1,
    },
    load: { name: 'wrk', version: '4.1.0' },
    counters: 'perf',
    entries: names.map(entry),
    rows,
    warnings: ['instructions were not counted: perf cannot count them on this machine'],
    ...change,
  };
}
