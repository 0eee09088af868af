// What came of a framework's tests over both servers, as lines and as docs/frameworks.md.
import { REASONS } from './reasons.js';

const TITLES = (tests, state) => new Set(tests.filter((test) => test.state === state).map(({ title }) => title));

const whole = (value) => value.toLocaleString('en-US');

/** A test that did not end here, since the run hung or a file did not load, counts as failed. */
export function compareRuns(suite, native, ours) {
  const passedHere = TITLES(ours.tests, 'passed');
  const messages = new Map(ours.tests.map(({ title, message }) => [title, message]));
  const passedThere = TITLES(native.tests, 'passed');
  const failed = [...passedThere]
    .filter((title) => !passedHere.has(title))
    .map((title) => ({
      title,
      message: messages.get(title) ?? 'it did not run',
      reason: REASONS[suite.id].find(([start]) => title.startsWith(start))?.[1],
    }));
  return {
    suite,
    tests: native.tests.length,
    skipped: TITLES(native.tests, 'skipped').size,
    passedThere: passedThere.size,
    passedHere: passedHere.size,
    counts: ours.counts,
    requestsThere: native.counts.native,
    failedOnlyThere: [...passedHere].filter((title) => !passedThere.has(title)),
    failed,
    unexplained: failed.filter(({ reason }) => reason === undefined),
    isHung: ours.isHung,
  };
}

/** What a run says at its end: the count, and each failure that has no reason. */
export function summaryLine({ suite, tests, passedThere, passedHere, failed, unexplained }) {
  const lines = unexplained.map(({ title, message }) => `FAILED ${suite.id}: ${title}\n${message.slice(0, 1_000)}\n`);
  const counts = `${tests} tests, ${passedThere} passed over node:http, ${passedHere} over this server`;
  const reasons = `${failed.length} failed here alone, ${unexplained.length} without a reason`;
  return `${lines.join('')}${suite.title}: ${counts}; ${reasons}\n`;
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...others] = rows.map(line);
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...others].join('\n');
}

function rowOf({ suite, tests, skipped, passedThere, passedHere, counts }) {
  const cells = [tests, skipped, passedThere, passedHere, counts.servers, counts.ours, counts.native, counts.secure];
  return [`${suite.title} ${suite.version}`, suite.commit, ...cells.map(whole)];
}

const HEAD = [
  ...['suite', 'commit', 'tests', 'skipped', 'passed over node:http', 'passed here'],
  ...['servers here', 'requests here', 'requests of node:http', 'requests of node:https'],
];

function failuresOf({ suite, failed }) {
  if (failed.length === 0) return `${suite.title}: none.\n`;
  const rows = failed.map(({ title, reason }) => `- \`${title.replaceAll('`', "'")}\`: ${reason ?? 'no reason yet'}`);
  return `${suite.title}:\n\n${rows.join('\n')}\n`;
}

export function documentOf(comparisons) {
  const date = new Date().toISOString().slice(0, 10);
  return `# The frameworks' own tests over this server

\`npm run frameworks -- PATH...\` runs the own tests of each framework twice, unmodified: over node:http, and with
\`http.createServer\` and \`http.Server\` replaced by those of \`epoll-server/node\`. Both runs count the requests that reach
a server, so that no test passes because it ran over another one. Servers of node:https and node:http2 are not replaced.
The requests of node:http here are those of HTTP/1.1 clients of node:http2. Upgrades, as in ws, are no requests.

${date}, Node.js ${process.version}, ${process.platform}-${process.arch}:

${table([HEAD, ...comparisons.map(rowOf)])}

## Tests that pass over node:http and fail here

${comparisons.map(failuresOf).join('\n')}`;
}
