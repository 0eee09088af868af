// Fuzzes the built server with requests that are drawn from a seed and mutated, over raw sockets: pipelined, split,
// slow, aborted. Checks that every server survives, responds to a well-behaved client, frames its responses, and
// releases descriptors, memory and processor time.
//   npm run fuzz                               for a minute, from a new seed
//   npm run fuzz -- --seconds 600 --seed 7     the same bytes for the same seed
//   npm run fuzz -- --models raw,poll          these servers only (scripts/fuzz/servers.js has their names)
//   npm run fuzz -- --replay FILE              replays the input that a failed run has written
//   npm run fuzz -- --show 20 --models raw     prints the first inputs of a seed without starting servers
//   node scripts/fuzz.js --program 'FILE ...'  another program, which prints its URL (http://127.0.0.1:PORT/)
import { readOptions } from './arguments.js';
import { replay, show } from './fuzz/replay.js';
import { runFuzz } from './fuzz/run.js';
import { otherProgram, SERVERS } from './fuzz/servers.js';

const MAX_SECONDS = 86_400;
const MAX_CONNECTIONS = 1_000;
const MAX_SEED = 2 ** 32 - 1;

const values = readOptions(import.meta.url, {
  seconds: { type: 'string', default: '60' },
  seed: { type: 'string' },
  connections: { type: 'string', default: '64' },
  models: { type: 'string' },
  program: { type: 'string' },
  replay: { type: 'string' },
  show: { type: 'string' },
});

function fail(text) {
  process.stderr.write(`${text} (--help shows the options)\n`);
  process.exit(2);
}

function number(name, min, max) {
  const value = Number(values[name]);
  if (/^\d+$/.test(values[name]) && value >= min && value <= max) return value;
  return fail(`--${name} must be a whole number from ${min} to ${max}, not "${values[name]}"`);
}

function servers() {
  if (values.program !== undefined) return [otherProgram(values.program)];
  if (values.models === undefined) return SERVERS;
  const names = values.models.split(',');
  const unknown = names.find((name) => !SERVERS.some((server) => server.name === name));
  if (unknown !== undefined) {
    fail(`--models: unknown server "${unknown}": choose from ${SERVERS.map(({ name }) => name).join(', ')}`);
  }
  return SERVERS.filter(({ name }) => names.includes(name));
}

const seed = values.seed === undefined ? Date.now() % MAX_SEED : number('seed', 0, MAX_SEED);
const options = {
  seed,
  seconds: number('seconds', 1, MAX_SECONDS),
  connections: number('connections', 1, MAX_CONNECTIONS),
  servers: servers(),
};
if (values.show !== undefined) show(options, number('show', 1, 1_000_000));
else process.exitCode = values.replay === undefined ? await runFuzz(options) : await replay(values.replay);
