// Measures what it costs to observe requests: metrics and request ids, and lines of the JSON access log. Counts the user
// instructions of a replay (bench/replay.js) without and with them, so the load of the machine changes nothing.
//   node bench/observed.js [--requests N]

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from '../scripts/bundle.js';
import { run } from './children.js';
import { findCounter, REPEATABLE } from './instructions.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join('build', 'observed');
const WORKLOAD = ['plaintext', 'mixed'];
const LIMIT_MS = 3_600_000;

const CASES = {
  'neither of them': {},
  'metrics and request ids': { REPLAY_METRICS: '1', REPLAY_IDS: '1' },
  'the JSON access log': { REPLAY_LOG: 'json' },
};

const counter = await findCounter();
if (counter === null) throw new Error('instructions cannot be counted: install valgrind');

async function instructions(requests, environment) {
  const program = [process.execPath, ...REPEATABLE, join(ROOT, FOLDER, 'replay.js'), `${requests}`, ...WORKLOAD];
  const env = { ...process.env, ...environment };
  const { code, stderr } = await run(counter.command, [...counter.args, ...program], { env, limitMs: LIMIT_MS });
  if (code !== 0) throw new Error(stderr);
  return counter.read(stderr);
}

/** Of one request: the difference of two lengths of a replay leaves out its start and its compilation. */
async function perRequest(requests, environment) {
  const [long, short] = [await instructions(2 * requests, environment), await instructions(requests, environment)];
  return (long - short) / requests;
}

const { values } = parseArgs({ options: { requests: { type: 'string', default: '150000' } } });
await bundle(ROOT, { replay: join('bench', 'replay.js') }, FOLDER);
let alone = 0;
for (const [name, environment] of Object.entries(CASES)) {
  const count = await perRequest(Number(values.requests), environment);
  alone ||= count;
  process.stdout.write(`${name}: ${count.toFixed(0)} instructions a request, ${(count - alone).toFixed(0)} more\n`);
}
