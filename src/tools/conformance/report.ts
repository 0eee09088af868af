// The reports of an examination: for a terminal, as JSON, and as Markdown.

import { printable, printableJson } from '../../printable.ts';
import type { CaseResult, Verdict } from './examine.ts';
import type { Target } from './target.ts';

export interface Report {
  readonly target: Target;
  readonly results: readonly CaseResult[];
  readonly durationMs: number;
  /** ISO 8601. */
  readonly date: string;
}

/** Colours text, or returns it unchanged. */
export type Paint = (colour: 'red' | 'yellow' | 'green' | 'dim', text: string) => string;

/** The number of `results` with this verdict. */
export function countOf(results: readonly CaseResult[], verdict: Verdict): number {
  return results.filter((result) => result.verdict === verdict).length;
}

function byGroup(results: readonly CaseResult[]): readonly (readonly [string, readonly CaseResult[]])[] {
  return [...new Set(results.map(({ group }) => group))].map((group) => [
    group,
    results.filter((result) => result.group === group),
  ]);
}

function cells(results: readonly CaseResult[]): readonly string[] {
  return (['passed', 'failed', 'warned', 'skipped'] as const).map((verdict) => String(countOf(results, verdict)));
}

/** A table of groups, the failures, and the totals in the last line. */
export function textReport({ target, results, durationMs }: Report, paint: Paint): string {
  const row = (name: string, numbers: readonly string[]): string =>
    `${name.padEnd(20)}${numbers.map((number) => number.padStart(9)).join('')}`;
  const wrong = results.filter(({ verdict }) => verdict === 'failed' || verdict === 'warned');
  const deliveries = results.reduce((sum, result) => sum + result.deliveries, 0);
  const failed = countOf(results, 'failed');
  const totals = `${countOf(results, 'passed')} passed, ${failed} failed, ${countOf(results, 'warned')} warned, ${countOf(results, 'skipped')} skipped`;
  return [
    `${printable(target.url)}${target.server === '' ? '' : ` (${printable(target.server)})`}`,
    `parts: ${[...target.parts].join(', ')}`,
    '',
    paint('dim', row('group', ['passed', 'failed', 'warned', 'skipped'])),
    ...byGroup(results).map(([group, those]) => row(group, cells(those))),
    '',
    ...wrong.flatMap((result) => wrongLines(result, paint)),
    ...(wrong.length > 0 ? [''] : []),
    `${deliveries} deliveries in ${(durationMs / 1_000).toFixed(1)} s`,
    paint(failed > 0 ? 'red' : 'green', totals),
    '',
  ].join('\n');
}

function wrongLines({ verdict, id, rfc, level, detail, why }: CaseResult, paint: Paint): readonly string[] {
  const [colour, word] = verdict === 'failed' ? (['red', 'FAILED'] as const) : (['yellow', 'warned'] as const);
  return [
    `${paint(colour, word)} ${id} (RFC ${rfc}, ${level})`,
    `    ${printable(detail)}`,
    paint('dim', `    reason: ${why}`),
  ];
}

export function jsonReport({ target, results, durationMs, date }: Report): string {
  const { url, server, parts } = target;
  const totals = Object.fromEntries(
    (['passed', 'failed', 'warned', 'skipped'] as const).map((verdict) => [verdict, countOf(results, verdict)]),
  );
  const whole = { url, server, date, durationMs: Math.round(durationMs), parts: [...parts], totals, results };
  return printableJson(`${JSON.stringify(whole, null, 2)}\n`);
}

export function markdownReport({ target, results, date }: Report): string {
  const wrong = results.filter(({ verdict }) => verdict === 'failed' || verdict === 'warned');
  return [
    `## ${printable(target.url)}`,
    '',
    `${target.server === '' ? 'No Server field' : `Server: ${printable(target.server)}`}, ${date.slice(0, 10)}.`,
    '',
    '| group | passed | failed | warned | skipped |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...byGroup(results).map(([group, those]) => `| ${group} | ${cells(those).join(' | ')} |`),
    `| **all** | ${cells(results).join(' | ')} |`,
    '',
    ...(wrong.length === 0 ? ['No failures.'] : ['| | case | RFC | outcome |', '| --- | --- | --- | --- |']),
    ...wrong.map(
      ({ verdict, id, rfc, detail }) => `| ${verdict} | ${id} | ${rfc} | ${printable(detail).replaceAll('|', '\\|')} |`,
    ),
    '',
  ].join('\n');
}
