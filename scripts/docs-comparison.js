// Writes a result of `npm run compare` into docs/models.md, between its markers, and the picture beside it. The tables are
// dated and name the command that measured them. `npm run compare:docs` uses the newest result of compare-results/;
// `npm run compare:docs -- FILE.json` uses that file.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { figuresOf } from '../build/modules/tools/compare/figures.js';
import { standalone } from '../build/modules/tools/compare/palette.js';
import { readResult } from '../build/modules/tools/compare/result.js';
import { baselineNotes, baselineTable, headToHeadTable, markdownTable } from '../build/modules/tools/compare/table.js';

const BEGIN = '<!-- comparison: made by npm run compare:docs -->';
const END = '<!-- end of the comparison -->';
const PAGE = 'models.md';
const PICTURE = 'comparison.svg';
/** The chart that the picture shows. */
const FIGURE = 'idle-cost';

/** The text between the markers. */
function comparisonText(result) {
  const { date, command, machine, load, plan, warnings, incomplete } = result;
  const notes = [...(incomplete === '' ? [] : [`not everything was measured: ${incomplete}`]), ...warnings];
  return [
    markdownTable(headToHeadTable(result)),
    '',
    `![Processor time of a request beside idle connections, one line for each model](${PICTURE})`,
    '',
    'All models at 64 clients that keep their connections, a short text from a WSGI-style application:',
    '',
    markdownTable(baselineTable(result)),
    '',
    ...baselineNotes(result).map((text) => `- ${text}`),
    '',
    `Measured on ${date.slice(0, 10)} by \`${command.replace(/^epoll-server compare/, 'npm run compare --').trim()}\`: ` +
      `${machine.processors} × ${machine.processor}, ${machine.system}, Node.js ${machine.node}, ` +
      `${load.name} ${load.version} on the same machine; medians of ${plan.rounds} rounds, ± half their range.` +
      `${notes.length === 0 ? '' : ` Warnings: ${notes.join('; ')}.`}`,
  ].join('\n');
}

/** `page` with `text` between its markers. */
function withComparison(page, text) {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/${PAGE} has no "${BEGIN}" in front of "${END}"`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`;
}

/** Results are named by their dates. */
function newest() {
  const names = existsSync('compare-results') ? readdirSync('compare-results') : [];
  const last = names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .at(-1);
  if (last === undefined) throw new Error('there is no result in compare-results/ (npm run compare writes one)');
  return join('compare-results', last);
}

async function main([file, root = dirname(dirname(fileURLToPath(import.meta.url)))]) {
  const result = await readResult(file ?? newest());
  const figure = figuresOf(result).find(({ id }) => id === FIGURE);
  if (figure === undefined)
    throw new Error(`the result has no idle connections to draw (compare with --parameters idle)`);
  const page = join(root, 'docs', PAGE);
  writeFileSync(page, withComparison(readFileSync(page, 'utf8'), comparisonText(result)));
  const names = result.entries.map(({ name }) => name);
  writeFileSync(join(root, 'docs', PICTURE), standalone(figure.svg, names));
  process.stdout.write(`wrote docs/${PAGE} and docs/${PICTURE}\n`);
}

await main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`docs-comparison: ${error.message}\n`);
  process.exitCode = 1;
});
