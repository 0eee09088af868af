// Puts a result of `npm run compare` into README.md, between its markers: the tables, dated, with the command that
// makes them again; and the picture into docs/. Run by `npm run compare:readme`, which takes the newest result of
// compare-results/, or by `npm run compare:readme -- FILE.json`.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { figuresOf } from '../build/modules/tools/compare/figures.js';
import { standalone } from '../build/modules/tools/compare/palette.js';
import { readResult } from '../build/modules/tools/compare/result.js';
import { markdownTable, middleNotes, middleTable, rivalryTable } from '../build/modules/tools/compare/table.js';

const BEGIN = '<!-- comparison: made by npm run compare:readme -->';
const END = '<!-- end of the comparison -->';
const PICTURE = 'docs/comparison.svg';
/** What the picture shows, and what is read out for it. */
const FIGURE = 'idle-cost';

/** What stands between the markers. */
function comparisonText(result) {
  const { date, command, machine, load, plan, warnings, incomplete } = result;
  const doubts = [...(incomplete === '' ? [] : [`not everything was measured: ${incomplete}`]), ...warnings];
  return [
    markdownTable(rivalryTable(result)),
    '',
    `![Processor time of a request beside idle connections, one line for each model](${PICTURE})`,
    '',
    'All models at 64 clients that keep their connections, a short text from a WSGI-style application:',
    '',
    markdownTable(middleTable(result)),
    '',
    ...middleNotes(result).map((text) => `- ${text}`),
    '',
    `Measured on ${date.slice(0, 10)} by \`${command.replace(/^epoll-server compare/, 'npm run compare --').trim()}\`: ` +
      `${machine.processors} × ${machine.processor}, ${machine.system}, Node.js ${machine.node}, ` +
      `${load.name} ${load.version} on the same machine; medians of ${plan.rounds} rounds, ± half their range.` +
      `${doubts.length === 0 ? '' : ` Doubts: ${doubts.join('; ')}.`}`,
  ].join('\n');
}

/** `readme` with `text` between its markers. */
function withComparison(readme, text) {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`README.md has no "${BEGIN}" in front of "${END}"`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${readme.slice(end)}`;
}

/** Results are named by their dates. */
function newest() {
  const names = existsSync('compare-results') ? readdirSync('compare-results') : [];
  const last = names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .at(-1);
  if (last === undefined) throw new Error('there is no result in compare-results/: npm run compare makes one');
  return join('compare-results', last);
}

async function main([file, root = dirname(dirname(fileURLToPath(import.meta.url)))]) {
  const result = await readResult(file ?? newest());
  const figure = figuresOf(result).find(({ id }) => id === FIGURE);
  if (figure === undefined) throw new Error(`the result has no idle connections to draw: compare with the dial idle`);
  const readme = join(root, 'README.md');
  writeFileSync(readme, withComparison(readFileSync(readme, 'utf8'), comparisonText(result)));
  const names = result.entries.map(({ name }) => name);
  writeFileSync(join(root, PICTURE), standalone(figure.svg, names));
  process.stdout.write(`wrote README.md and ${PICTURE}\n`);
}

await main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`readme-comparison: ${error.message}\n`);
  process.exitCode = 1;
});
