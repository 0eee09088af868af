// Runs scenarios over the server that this process has as node:http, and writes each record as a line of JSON.
//   node [--import SWAP] run.js TOOLS FIRST-WORDS
import { appendFileSync } from 'node:fs';
import { Context } from './context.js';
import { SCENARIOS } from './scenarios.js';

/** A bound for what hangs, no expectation. */
const MAX_MS = 20_000;

const [tools, file, only = ''] = process.argv.slice(2);
let context;

process.on('uncaughtException', (error) => context.logError('uncaught', error));

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (!name.includes(only)) continue;
  context = new Context(tools);
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, MAX_MS, 'the scenario hung');
  });
  const run = async (work) => {
    const said = await Promise.race([
      work().then(
        () => undefined,
        (error) => `the scenario failed: ${error.stack}`,
      ),
      late,
    ]);
    if (said !== undefined) context.log(said);
  };
  await run(() => scenario(context));
  await run(() => context.end());
  clearTimeout(timer);
  appendFileSync(file, `${JSON.stringify({ name, record: context.record })}\n`);
}
process.exit();
