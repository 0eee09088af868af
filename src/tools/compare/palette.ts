// The style of the charts, in the report and as separate files: colours of each contender for light and dark pages.

import { classOf } from './chart.ts';
import { PEER_NAMES } from './peers.ts';

/** Light and dark. Peers share the colours of models; their lines are dashed. */
const COLOURS: Readonly<Record<string, readonly [string, string]>> = {
  iterative: ['#6b7280', '#9aa4b2'],
  multiprocess: ['#8a5a00', '#d9a441'],
  multithread: ['#4d7c0f', '#a3c957'],
  coroutine: ['#a21caf', '#e18be8'],
  nonblocking: ['#1d4ed8', '#7fa8ff'],
  select: ['#0f766e', '#4fc4b8'],
  poll: ['#6d3fc0', '#b79bf2'],
  epoll: ['#b93c0a', '#f0935a'],
  'node:http': ['#4d7c0f', '#a3c957'],
  fastify: ['#6b7280', '#9aa4b2'],
  bun: ['#a21caf', '#e18be8'],
  nginx: ['#0f766e', '#4fc4b8'],
  uws: ['#8a5a00', '#d9a441'],
  c: ['#1d4ed8', '#7fa8ff'],
};

const DEFAULT = ['#444444', '#bbbbbb'] as const;

function colours(names: readonly string[], which: 0 | 1): string {
  return names.map((name) => `.${classOf(name)}{--own:${(COLOURS[name] ?? DEFAULT)[which]}}`).join('');
}

const CHART = `.chart{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif;overflow:visible}
.chart text{fill:var(--ink)}.chart .tick,.chart .axis,.chart .value{fill:var(--soft);font-size:12px}
.chart .grid{stroke:var(--rule);stroke-width:1}.chart .label{fill:var(--own)}
.chart .line{fill:none;stroke:var(--own);stroke-width:1.8;stroke-linejoin:round}
.chart .point{fill:var(--own);stroke:var(--paper);stroke-width:1}
.chart .range{stroke:var(--own);stroke-width:5;opacity:.28}
.chart .lead-line{fill:none;stroke:var(--own);stroke-width:.8;opacity:.55}
.chart .bar{fill:var(--own)}.chart .bar.kernel{opacity:.5}
.chart .s-epoll .line{stroke-width:3}.chart .s-epoll .label{font-weight:700}
`;

/** The style of these contenders' charts, on a page that defines the colours `--ink`, `--soft`, `--rule`, `--paper`. */
export function chartStyle(names: readonly string[]): string {
  const dashes = names.filter((name) => PEER_NAMES.includes(name)).map((name) => `.chart .${classOf(name)} .line`);
  const dashed = dashes.length === 0 ? '' : `${dashes.join(',')}{stroke-dasharray:5 3}`;
  const dark = `@media (prefers-color-scheme:dark){${colours(names, 1)}}`;
  return `${CHART}${dashed}${colours(names, 0)}${dark}@media print{${colours(names, 0)}}`;
}

/** A chart as a file of its own. */
export function standalone(chart: string, names: readonly string[]): string {
  const page =
    ':root{--paper:#fff;--ink:#1c2126;--soft:#56606a;--rule:#dbe0e4}@media (prefers-color-scheme:dark){:root{--paper:#14181b;--ink:#e1e6e9;--soft:#9fabb3;--rule:#2d353b}}';
  return `${chart.replace('>', ` width="640"><style>${page}${chartStyle(names)}</style>`)}\n`;
}
