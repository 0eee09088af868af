// Line charts and bar charts as SVG text. They need no script and take their colours from the page. A title on each
// point gives its value to the pointer and to screen readers. d3 makes ticks, lines and symbols.

import { max, min, tickStep, ticks } from 'd3-array';
import { line, symbol, symbolsFill } from 'd3-shape';
import type { Summary } from './summary.ts';

export interface Series {
  readonly name: string;
  /** One for each position; null where nothing was measured. */
  readonly values: readonly (Summary | null)[];
}

export interface LineChart {
  readonly title: string;
  readonly positions: readonly string[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly isLogarithmic: boolean;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
}

export interface Bar {
  readonly name: string;
  /** From left to right: a length and the name of its part. */
  readonly parts: readonly { readonly value: number; readonly part: string }[];
  readonly text: string;
}

export interface BarChart {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** The smallest value for the full width of the chart. */
  readonly full?: number;
}

const WIDTH = 400;
const HEIGHT = 300;
const PLOT = { left: 46, right: 300, top: 26, bottom: 254 } as const;
const LABEL_HEIGHT = 14;
const BAR = { height: 15, gap: 8, left: 100, right: 300 } as const;

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The class of all elements of a contender: `s-node-http`. */
export function classOf(name: string): string {
  return `s-${name.replaceAll(/[^a-z0-9]+/gi, '-')}`;
}

function svg(title: string, height: number, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">${content}</svg>`;
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${round(x)}" y="${round(y)}"${more}>${escaped(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Maps a value to its height in the plot, and lists the values of the grid lines. */
interface Scale {
  readonly y: (value: number) => number;
  readonly ticks: readonly number[];
}

function scaleFor({ series, isLogarithmic }: LineChart): Scale {
  const summaries = series.flatMap(({ values }) => values).filter((value) => value !== null);
  const high = max(summaries, (summary) => summary.high) ?? 1;
  const low = min(summaries, (summary) => summary.low) ?? 0;
  const place = (share: number): number => PLOT.bottom - share * (PLOT.bottom - PLOT.top);
  if (isLogarithmic && low > 0) {
    const all = logarithmicTicks(low, high);
    const [from, to] = [Math.log10(all[0] ?? 1), Math.log10(all.at(-1) ?? 10)];
    return { y: (value) => place((Math.log10(value) - from) / (to - from)), ticks: all };
  }
  const step = tickStep(0, high, 5) || 1;
  const top = Math.ceil(high / step) * step;
  return { y: (value) => place(value / top), ticks: ticks(0, top, 5) };
}

/**
 * Powers of ten around both ends, with twos and fives between them if there are few. The first and last enclose both
 * ends.
 */
function logarithmicTicks(low: number, high: number): readonly number[] {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const steps = to - from > 3 ? [1] : [1, 2, 5];
  const all = Array.from({ length: to - from + 2 }, (_, i) => i).flatMap((i) =>
    steps.map((step) => step * 10 ** (from + i)),
  );
  const first = all.findLastIndex((tick) => tick <= low);
  const last = all.findIndex((tick) => tick >= high);
  return all.slice(Math.max(first, 0), Math.max(last, first + 1) + 1);
}

export function lineChart(chart: LineChart): string {
  const { title, positions, series, xTitle, yTitle, format, isLogarithmic } = chart;
  const scale = scaleFor(chart);
  const last = Math.max(positions.length - 1, 1);
  const x = (index: number): number => PLOT.left + 12 + ((PLOT.right - PLOT.left - 24) * index) / last;
  const grid = scale.ticks.map((value) => {
    const y = round(scale.y(value));
    return `<path class="grid" d="M${PLOT.left} ${y}H${PLOT.right}"/>${text(PLOT.left - 6, y + 4, tickText(value, format), ' class="tick" text-anchor="end"')}`;
  });
  const foot = positions.map((position, i) =>
    text(x(i), PLOT.bottom + 18, position, ' class="tick" text-anchor="middle"'),
  );
  const axes = [
    text(2, 12, isLogarithmic ? `${yTitle}, logarithmic` : yTitle, ' class="axis"'),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 37, xTitle, ' class="axis" text-anchor="middle"'),
  ];
  const drawn = series.map((each, i) => seriesOf(each, i, x, scale.y, positions, format));
  return svg(title, HEIGHT, [...grid, ...foot, ...axes, ...drawn, ...endLabels(series, x, scale.y)].join(''));
}

/** A round number needs no decimal places. */
function tickText(value: number, format: (value: number) => string): string {
  const formatted = format(value).replace(/\.0+(\D|$)/, '$1');
  return formatted.replace(/^(\d+),000(\D|$)/, '$1k$2');
}

function seriesOf(
  { name, values }: Series,
  index: number,
  x: (index: number) => number,
  y: (value: number) => number,
  positions: readonly string[],
  format: (value: number) => string,
): string {
  const path = line<Summary | null>()
    .defined((value) => value !== null)
    .x((_, i) => round(x(i)))
    .y((value) => round(y(value?.median ?? 0)))([...values]);
  const shape = symbol(symbolsFill[index % symbolsFill.length], 34)() ?? '';
  const points = values.map((value, i) => {
    if (value === null) return '';
    const range =
      value.low === value.high
        ? ''
        : `<path class="range" d="M${round(x(i))} ${round(y(value.low))}V${round(y(value.high))}"/>`;
    const label = `${name}, ${positions[i]}: ${format(value.median)} (${format(value.low)} to ${format(value.high)})`;
    return `${range}<path class="point" transform="translate(${round(x(i))} ${round(y(value.median))})" d="${shape}"><title>${escaped(label)}</title></path>`;
  });
  return `<g class="series ${classOf(name)}"><path class="line" d="${path ?? ''}"/>${points.join('')}</g>`;
}

/** Names beside the ends of the lines, moved apart where they would overlap. */
function endLabels(
  series: readonly Series[],
  x: (index: number) => number,
  y: (value: number) => number,
): readonly string[] {
  const ends = series
    .flatMap(({ name, values }) => {
      const at = values.findLastIndex((value) => value !== null);
      const value = values[at];
      return value === undefined || value === null ? [] : [{ name, x: x(at), y: y(value.median), place: 0 }];
    })
    .sort((a, b) => a.y - b.y);
  let free = PLOT.top - LABEL_HEIGHT / 2;
  for (const end of ends) {
    end.place = Math.max(end.y, free);
    free = end.place + LABEL_HEIGHT;
  }
  let most = PLOT.bottom + LABEL_HEIGHT;
  for (const end of [...ends].reverse()) {
    end.place = Math.min(end.place, most);
    most = end.place - LABEL_HEIGHT;
  }
  return ends.map((end) => {
    const lead = `<path class="lead-line" d="M${round(end.x + 6)} ${round(end.y)}L${PLOT.right + 4} ${round(end.place)}"/>`;
    return `<g class="series ${classOf(end.name)}">${lead}${text(PLOT.right + 8, end.place + 4, end.name, ' class="label"')}</g>`;
  });
}

export function barChart({ title, bars, full = 0 }: BarChart): string {
  const sums = bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0));
  const most = max([...sums, full]) || 1;
  const step = BAR.height + BAR.gap;
  const drawn = bars.map(({ name, parts, text: label }, i) => {
    const top = 4 + i * step;
    let left: number = BAR.left;
    const pieces = parts.map(({ value, part }) => {
      const width = ((BAR.right - BAR.left) * value) / most;
      const piece = `<rect class="bar ${part}" x="${round(left)}" y="${top}" width="${round(Math.max(width, 0.5))}" height="${BAR.height}"><title>${escaped(`${name}${part === '' ? '' : `, ${part}`}: ${label}`)}</title></rect>`;
      left += width;
      return piece;
    });
    const textY = top + BAR.height / 2 + 4;
    const names = text(BAR.left - 6, textY, name, ' class="label" text-anchor="end"');
    return `<g class="series ${classOf(name)}">${names}${pieces.join('')}${text(left + 6, textY, label, ' class="value"')}</g>`;
  });
  return svg(title, 8 + bars.length * step, drawn.join(''));
}
