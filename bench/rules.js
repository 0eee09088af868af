// Measures what rules by path and host cost a request: where none of many rules matches, and where one rule that sets a field
// does. Prints the time in the rules alone, and the instructions of a whole plaintext request: half of them are for `/`, half for
// `/items/NUMBER`, with numbers that change, and their heads are mixed.
//   npm run bench:rules [-- --quick]
// Times are the least of many short batches, so that other programs matter little. Instructions are JavaScript's share, and depend on
// the code, the version of Node.js and the counter alone; they take minutes, which --quick leaves out. Those of the path itself are
// among them: the application without rules does not read it.

import { readOptions } from '../scripts/arguments.js';
import { countReplays, findCounter } from './instructions.js';

const MISSING = 'bench:rules: cannot count instructions: install valgrind (Debian: apt install valgrind)\n';

const BATCHES = 4_000;
const CALLS = 500;

/** Rules of many kinds below `folder`. */
function rulesBelow(folder) {
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  return {
    headers: numbers.map((number) => `${folder}/${number}/**: X-Number: ${number}`),
    redirects: numbers.map((number) => `${folder}/old-${number}/:page -> ${folder}/new-${number}/:page`),
    rewrites: `${folder}/app/** -> ${folder}/app.html`,
    cors: `${folder}/api/** from https://www.example.org credentials`,
    deny: `${folder}/secret/** all`,
    rateLimits: `${folder}/api/** 10/s`,
  };
}

/** `maxNs`: the most time that the rules may take. A plaintext request takes about 7,500 ns, of which 150 are 2 %. */
const CASES = [
  { name: 'no rules', rules: null },
  { name: '104 rules for paths with another initial', rules: rulesBelow('/docs'), maxNs: 150 },
  { name: '104 rules, some paths with the same initial', rules: rulesBelow('/images') },
  { name: 'one rule that sets a field, for all paths', rules: { headers: '/**: X-A: b' }, maxNs: 150 },
  { name: 'the same for /items/** and /', rules: { headers: ['/items/**: X-A: b', '/index.html: X-A: b'] } },
];

function variablesOf({ rules }) {
  return rules === null ? {} : { REPLAY_RULES: JSON.stringify(rules) };
}

/** A request for `path`, as far as rules look at it. */
function requestFor(path) {
  return { path, query: '', host: '127.0.0.1:8080', method: 'GET', scheme: 'http', header: () => undefined };
}

const REQUESTS = Array.from({ length: CALLS }, (_, index) =>
  requestFor(index % 2 === 0 ? '/' : `/items/${100_000 + index}`),
);

/** The least time of a call in nanoseconds, of an application behind each of `lists`. All take turns. */
async function leastNs(lists) {
  const [{ openRules }, { rulesSettingsOf }, { checkGiven }, { precompileFields }] = await Promise.all([
    import('../build/modules/rules/open-rules.js'),
    import('../build/modules/options/rules-settings.js'),
    import('../build/modules/options/check.js'),
    import('../build/modules/http/fields.js'),
  ]);
  const fields = precompileFields({ 'Content-Type': 'text/plain' });
  const response = { started: false, send() {} };
  const application = (request, to) => to.send(200, fields, request.query);
  const context = { nowMs: () => 0, onError: () => {} };
  const handlers = lists.map((rules) =>
    rules === null
      ? application
      : openRules(rulesSettingsOf(checkGiven({ rules })), application, null, context).handler,
  );
  const least = new Array(lists.length).fill(Number.POSITIVE_INFINITY);
  for (let batch = 0; batch < BATCHES; batch++) {
    for (const [index, handler] of handlers.entries()) {
      const begin = process.hrtime.bigint();
      for (const request of REQUESTS) handler(request, response);
      least[index] = Math.min(least[index], Number(process.hrtime.bigint() - begin) / CALLS);
    }
  }
  return least;
}

function print(index, figure, limit) {
  const width = Math.max(...CASES.map(({ name }) => name.length));
  process.stdout.write(`${CASES[index].name.padEnd(width)}${figure}${limit}\n`);
}

async function main(isQuick) {
  const counter = isQuick ? null : await findCounter();
  if (counter === null && !isQuick) {
    process.stderr.write(MISSING);
    return 1;
  }
  const times = await leastNs(CASES.map(({ rules }) => rules));
  for (const [index, { maxNs }] of CASES.entries()) {
    const moreNs = times[index] - times[0];
    const limit = maxNs === undefined ? '' : `  at most ${maxNs}: ${moreNs <= maxNs ? 'yes' : 'NO'}`;
    print(index, `${moreNs.toFixed(0).padStart(8)} ns`, limit);
  }
  if (counter === null) return 0;
  const counts = await countReplays(
    counter,
    CASES.map((each) => ({ workload: 'plaintext', heads: 'mixed', variables: variablesOf(each) })),
  );
  for (const [index, { instructions }] of counts.entries())
    print(index, `${instructions.toLocaleString('en-US').padStart(8)} instructions`, '');
  return 0;
}

const { quick } = readOptions(import.meta.url, { quick: { type: 'boolean', default: false } });
process.exitCode = await main(quick).catch((error) => {
  process.stderr.write(`bench:rules: ${error.message}\n`);
  return 1;
});
