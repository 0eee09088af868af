// The report of a comparison: one HTML file with everything in it, for light and dark screens, phones and paper. It has
// no script: CSS shows and hides contenders by the check boxes of the page.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { countText } from '../../count-text.ts';
import { PACKAGE_ROOT } from '../../package.ts';
import { classOf, escaped } from './chart.ts';
import { type Figure, figuresOf } from './figures.ts';
import { chartStyle } from './palette.ts';
import { BASELINE_TEXT } from './parameters.ts';
import type { ComparisonResult } from './result.ts';
import { MEASURES, verdict } from './summary.ts';
import { baselineNotes, baselineTable, type Cells, headToHeadTable, parameterTable } from './table.ts';

/** The style of the default site, so that the report looks the same. */
const SITE_STYLE = join(PACKAGE_ROOT, 'html', 'style.css');

const STYLE = `
main{padding-bottom:2rem}
.lead p.facts{font-size:1rem;color:var(--soft);max-width:none}
.warning{margin-top:1.25rem;padding:.75rem 1rem;border-left:4px solid var(--ready);background:var(--panel);font-size:1rem}
.warning p,.warning ul{margin:0;font-size:1rem;max-width:none}
section.wide{display:block}section.wide>div{max-width:none;margin-top:1rem}
section.wide>div>p{max-width:46rem}
.legend{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:0 1.1rem;margin:0 0 1.5rem;padding:.35rem 0;border:0;border-bottom:1px solid var(--rule);background:var(--paper);font-size:.9375rem}
.legend legend{float:left;padding:0;margin-right:1.1rem;line-height:2.25rem;color:var(--soft)}
.legend label{display:inline-flex;align-items:center;gap:.35rem;min-height:2.25rem;color:var(--own)}
.legend input{accent-color:var(--own);width:1.05rem;height:1.05rem;margin:0}
.figures{display:grid;gap:2.5rem 3rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr))}
.figures figure{margin:0;min-width:0}
.figures h3{margin:0 0 .75rem;font-size:1.0625rem;font-weight:600;line-height:1.35}
.figures svg{display:block;width:100%;height:auto;margin-bottom:.75rem}
.figures figcaption{max-width:34rem}
.scroll{overflow-x:auto;margin-bottom:1.25rem;border:1px solid var(--rule);border-radius:4px}
table{border-collapse:collapse;width:100%;font-size:.9375rem;line-height:1.45;font-variant-numeric:tabular-nums}
th,td{padding:.45rem .75rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
tbody tr:last-child>*{border-bottom:0}
thead th{color:var(--soft);font-weight:500;vertical-align:bottom;white-space:normal;min-width:5rem}
tbody th,td.text,thead th:first-child{text-align:left;font-weight:600}
td.text{font-weight:400;white-space:normal;min-width:9rem}
tbody tr[class] th{color:var(--own)}
.scroll.narrow{width:fit-content;max-width:100%}.narrow :is(th,td){white-space:normal}.narrow thead th{min-width:0}
@media (max-width:30rem){.narrow :is(th,td){padding:.45rem .5rem;font-size:.875rem}}
details{margin-bottom:1.25rem}summary{min-height:2.75rem;padding:.6rem 0;cursor:pointer;font-weight:600}
@media (max-width:30rem){.legend{position:static}}
@media print{.legend{display:none}.figures{display:block}.figures figure{break-inside:avoid;margin-bottom:1rem}.figures svg{max-width:11cm}
.scroll{overflow:visible;border:0}table{font-size:7pt}th,td{padding:.15rem .3rem;white-space:normal}thead th{min-width:0}details>*{display:block}}
`;

/** Hides every element of a contender whose check box is not checked. */
function filterStyle(names: readonly string[]): string {
  return names
    .map(classOf)
    .map((name) => `:root:has(#show-${name}:not(:checked)) :is(.series,tr).${name}{display:none}`)
    .join('\n');
}

/** Keeps a number and its unit on one line. */
function cellText(cell: string): string {
  return escaped(cell).replaceAll(/(?<=\d) (?=(?:%|µs|ms|s|MiB)(?:\W|$))/g, '&nbsp;');
}

function tableOf(cells: Cells, label: string, contenderColumn: number, isNarrow = false): string {
  const [head = [], ...lines] = cells;
  const isText = head.map((_, column) => !lines.some((line) => /^[\d—]/.test(line[column] ?? '')));
  const heads = head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('');
  const rows = lines.map((line) => {
    const name = line[contenderColumn];
    const content = line.map((cell, column) =>
      column === 0 && contenderColumn <= 0
        ? `<th scope="row">${cellText(cell)}</th>`
        : `<td${isText[column] === true || column < contenderColumn ? ' class="text"' : ''}>${cellText(cell)}</td>`,
    );
    return `<tr${name === undefined ? '' : ` class="${classOf(name)}"`}>${content.join('')}</tr>`;
  });
  return `<div class="scroll${isNarrow ? ' narrow' : ''}" tabindex="0" role="region" aria-label="${escaped(label)}"><table><thead><tr>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function figureOf({ id, title, svg, text }: Figure): string {
  return `<figure id="${id}"><h3>${escaped(title)}</h3>${svg}<figcaption>${escaped(text)}</figcaption></figure>`;
}

function section(id: string, title: string, content: string, isWide = true): string {
  return `<section${isWide ? ' class="wide"' : ''} aria-labelledby="${id}"><h2 id="${id}">${title}</h2><div>${content}</div></section>`;
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
}

function legend(names: readonly string[]): string {
  const boxes = names.map(
    (name) =>
      `<label class="${classOf(name)}"><input type="checkbox" id="show-${classOf(name)}" checked>${escaped(name)}</label>`,
  );
  return `<fieldset class="legend"><legend>Show</legend>${boxes.join('')}</fieldset>`;
}

const NOT_SHOWN = [
  'The load generator runs on the same machine and shares its processors and its caches with the servers. Compare the rows with each other, not with figures from elsewhere.',
  'Clients send their next request only after the response (a closed loop). A server that stalls gets fewer requests, so its latencies look better than with clients that arrive independently.',
  'Everything goes over loopback: no network card, no distance, no lost packets, no TLS.',
  'Latencies are those of a whole run, including its beginning, when clients connect and children are spawned; everything else is measured in a window after that.',
  'Memory per idle connection is resident memory, uncollected garbage included; with few connections it is mostly noise.',
  'Requests here are small and all alike. Those of a real site are not.',
];

function machineFacts({ machine, load, counters, plan, seconds }: ComparisonResult): readonly string[] {
  return [
    `${machine.processors} × ${machine.processor}, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, ${machine.system}`,
    `Node.js ${machine.node}, epoll-server ${machine.version}${machine.commit === '' ? '' : ` (commit ${machine.commit})`}`,
    `Load: ${load.name} ${load.version}, one thread; system calls: ${counters || 'not counted'}`,
    `${countText(plan.rounds, 'round')} in shuffled order, every server started anew in each; windows of ${plan.windowMs / 1_000} s; ${Math.round(seconds / 60)} minutes in all`,
    'Figures are medians of the rounds; ± is half the range from the lowest to the highest, which the charts show as a pale bar.',
  ];
}

function versions({ entries }: ComparisonResult): string {
  const peers = entries.filter(({ kind }) => kind === 'peer');
  if (peers.length === 0) return '';
  return `<p>Beside the models: ${escaped(peers.map(({ name, version }) => `${name} ${version}`).join(', '))}.</p>`;
}

/** The two models that never block, when both were measured. */
function headToHeadSection(result: ComparisonResult): string {
  const cells = headToHeadTable(result);
  if ((cells[0] ?? []).length !== 3) return '';
  return section(
    'epoll-and-busy-loop',
    'epoll and the busy loop',
    `${tableOf(cells, 'epoll and non-blocking', -1, true)}<p>Both never block. epoll waits in the kernel until a socket is ready; the busy loop tries every socket again and again.</p>`,
    false,
  );
}

function body(result: ComparisonResult, names: readonly string[]): string {
  const verdicts = [MEASURES.perSecond, MEASURES.p99, MEASURES.cpu].map((measure) => verdict(result, measure));
  const warnings = result.warnings.length === 0 ? '' : `<div class="warning">${list(result.warnings)}</div>`;
  const incomplete =
    result.incomplete === ''
      ? ''
      : `<div class="warning"><p><b>Not everything was measured:</b> ${escaped(result.incomplete)}.</p></div>`;
  return [
    '<div class="lead"><h1>What each way to serve clients costs</h1>',
    '<p>The same site, started under one model after the other, and measured with the same clients. One parameter at a time is varied; the others keep their baseline value.</p>',
    `<p class="facts">${escaped(result.date.slice(0, 16).replace('T', ' '))} UTC · <code>${escaped(result.command)}</code><br>Baseline: ${escaped(BASELINE_TEXT)}.</p>`,
    incomplete,
    '</div>',
    headToHeadSection(result),
    section(
      'charts',
      'Charts',
      `${legend(names)}<div class="figures">${figuresOf(result).map(figureOf).join('')}</div>`,
    ),
    section(
      'baseline',
      'At the baseline',
      `${tableOf(baselineTable(result), 'Every contender at the baseline', 0)}${list([...baselineNotes(result), ...verdicts.filter((text) => text !== '')])}${versions(result)}`,
    ),
    result.plan.variations.length > 1
      ? section(
          'parameters',
          'Every parameter',
          `<details><summary>All positions, all contenders</summary>${tableOf(parameterTable(result), 'Every position of every parameter', 2)}</details>`,
        )
      : '',
    section('warnings', 'Warnings', warnings === '' ? '<p>None.</p>' : warnings, false),
    section('not-shown', 'What it does not show', list(NOT_SHOWN), false),
    section('machine', 'Machine and method', list(machineFacts(result)), false),
  ].join('\n');
}

/** Returns the report as one HTML page. */
export function reportPage(result: ComparisonResult): string {
  const names = result.entries.map(({ name }) => name);
  const style = `${readFileSync(SITE_STYLE, 'utf8')}${STYLE}${filterStyle(names)}\n${chartStyle(names)}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What each way to serve clients costs – epoll-server, ${escaped(result.date.slice(0, 10))}</title>
<link rel="icon" href="data:,">
<style>
${style}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header><span class="name">epoll-server compare</span></header>
<main id="main" tabindex="-1">
${body(result, names)}
</main>
<footer><p>Made by <code>${escaped(result.command)}</code> on ${escaped(result.date.slice(0, 10))}. One file, no scripts, nothing fetched.</p></footer>
</body>
</html>
`;
}
