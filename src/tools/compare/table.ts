// The tables of a result as text: for a terminal, and for a document.

import { countText } from '../../count-text.ts';
import type { ComparisonResult, Entry, Row } from './result.ts';
import { cell, digits, duration, MEASURES, type Measure, restSummaryOf, rowOf, summarize, verdict } from './summary.ts';

export type Cells = readonly (readonly string[])[];

/** The maximum of clients of a contender. */
function mostText({ most }: Entry, { plan }: ComparisonResult): string {
  if (most === null) return '—';
  return most >= plan.mostClients ? `${most.toLocaleString('en-US')} or more` : most.toLocaleString('en-US');
}

function restText(entry: Entry): string {
  return cell(restSummaryOf(entry), (share) => `${digits(share * 100)} %`);
}

/** Every contender at the baseline, with all columns; the first line has the titles. */
export function baselineTable(result: ComparisonResult): Cells {
  const { idleBytes, errors, ...measures } = MEASURES;
  const largestIdle = result.plan.variations.filter(({ parameter }) => parameter === 'idle').at(-1)?.position ?? '';
  const line = (entry: Entry): readonly string[] => {
    const row = rowOf(result, entry.name, 'baseline', '');
    return [
      entry.name,
      ...Object.values(measures).map((measure) => cellOf(row, measure)),
      idleCell(result, entry.name, largestIdle),
      restText(entry),
      mostText(entry, result),
      cellOf(row, errors),
    ];
  };
  const titles = Object.values(measures).map(({ title }) => title);
  return [['', ...titles, idleBytes.title, 'CPU at rest', 'most clients', errors.title], ...result.entries.map(line)];
}

/** Memory per connection at the largest number of idle connections that a contender held. */
function idleCell(result: ComparisonResult, name: string, position: string): string {
  const all = result.rows.filter((row) => row.contender === name && row.parameter === 'idle' && row.rounds.length > 0);
  const row = all.at(-1);
  const text = cellOf(row, MEASURES.idleBytes);
  return row === undefined || row.position === position ? text : `${text} (of ${row.position})`;
}

function cellOf(row: Row | undefined, measure: Measure): string {
  return cell(summarize(row, measure), measure.format);
}

/** The note of a row: its problem, or that not all of its clients were served. */
function noteOf({ entries, plan }: ComparisonResult, row: Row | undefined): string {
  if (row === undefined || row.problem !== '') return row?.problem ?? '';
  const most = entries.find(({ name }) => name === row.contender)?.most ?? null;
  const { clients, idle, slow } = row.setting;
  if (most === null || most >= plan.mostClients || clients + idle + slow <= most) return '';
  return `it serves ${most === 1 ? 'one client' : `${most} clients`} at once; the others waited or were rejected`;
}

/** Every position of every parameter: requests/s, p99 and processor time of each contender. */
export function parameterTable(result: ComparisonResult): Cells {
  const { perSecond, p99, cpu, errors } = MEASURES;
  const lines = result.plan.variations
    .filter(({ parameter }) => parameter !== 'baseline')
    .flatMap(({ parameter, position }) =>
      result.entries.map(({ name }) => {
        const row = rowOf(result, name, parameter, position);
        const figures = [perSecond, p99, cpu, errors].map((measure) => cellOf(row, measure));
        return [parameter, position, name, ...figures, noteOf(result, row)];
      }),
    );
  return [['parameter', 'at', '', perSecond.title, p99.title, cpu.title, errors.title, ''], ...lines];
}

/** Problems of contenders at the baseline, and those that could not serve all clients. */
export function baselineNotes(result: ComparisonResult): readonly string[] {
  return result.entries.flatMap(({ name }) => {
    const note = noteOf(result, rowOf(result, name, 'baseline', ''));
    return note === '' ? [] : [`${name}: ${note}`];
  });
}

/** The output for a terminal: both tables, the winners, and the warnings. */
export function textTables(result: ComparisonResult): string {
  const { machine, load, plan } = result;
  const winners = [MEASURES.perSecond, MEASURES.p99, MEASURES.cpu].map((measure) => verdict(result, measure));
  return [
    `${machine.processors} x ${machine.processor}, ${machine.system}, Node.js ${machine.node}, epoll-server ${machine.version}`,
    `${load.name} ${load.version}, ${countText(plan.rounds, 'round')} of ${duration(plan.windowMs * 1_000)}: medians, ± half the range`,
    '',
    columns(baselineTable(result)),
    ...baselineNotes(result).map((text) => `${text}\n`),
    ...(plan.variations.length > 1 ? [columns(parameterTable(result))] : []),
    ...winners.filter((text) => text !== ''),
    ...result.warnings.map((text) => `note: ${text}`),
    ...(result.incomplete === '' ? [] : [`INCOMPLETE: ${result.incomplete}`]),
    '',
  ].join('\n');
}

function columns(cells: Cells): string {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length)));
  const isText = (column: number): boolean => column === 0 || !cells.some((line) => /^\d/.test(line[column] ?? ''));
  const pad = (text: string, column: number): string =>
    isText(column) ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return cells.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** A Markdown table with aligned columns, as formatters write it. */
export function markdownTable(cells: Cells): string {
  const escaped = cells.map((line) => line.map((text) => text.replaceAll('|', '\\|')));
  const [head = [], ...lines] = escaped;
  const widths = head.map((_, column) => Math.max(4, ...escaped.map((line) => (line[column] ?? '').length)));
  const pad = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  const row = (line: readonly string[]): string => `| ${line.map(pad).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [row(head), row(rule), ...lines.map(row)].join('\n');
}

/**
 * epoll beside the busy loop, the comparison that this project is about: at 64 clients, with idle ones, and at rest.
 */
export function headToHeadTable(result: ComparisonResult): Cells {
  const models = ['epoll', 'nonblocking'].flatMap((name) => result.entries.filter((entry) => entry.name === name));
  const line = (text: string, of: (entry: Entry) => string): readonly string[] => [text, ...models.map(of)];
  const at = (parameter: string, position: string, measure: Measure) => (entry: Entry) =>
    cellOf(rowOf(result, entry.name, parameter, position), measure);
  const { perSecond, cpu, p99, systemCalls } = MEASURES;
  return [
    ['', ...models.map(({ name }) => name)],
    line('64 clients: requests/s', at('baseline', '', perSecond)),
    line('64 clients: CPU µs/request', at('baseline', '', cpu)),
    line('64 clients: system calls/request', at('baseline', '', systemCalls)),
    line('and 1,000 idle connections: requests/s', at('idle', '1000', perSecond)),
    line('and 1,000 idle connections: CPU µs/request', at('idle', '1000', cpu)),
    line('and 1,000 idle connections: p99', at('idle', '1000', p99)),
    line('at rest: CPU', restText),
  ];
}
