// What a request costs, next to node:http and to a C loop without a parser. See --help.

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { prepareServers } from './cases.js';
import { congestionControl } from './children.js';
import { measureFiles } from './files-case.js';
import { idlePlan, measureIdle } from './idle-case.js';
import { countReplays, findCounter, findPerf } from './instructions.js';
import { Load } from './load.js';
import { readOptions } from './options.js';
import { callLines, filesText, idleText, promises, ratiosOf, summarize, table } from './report.js';
import { measure } from './rounds.js';
import { GUARDED } from './workloads.js';

const GREY = process.stderr.isTTY && !process.env.NO_COLOR ? ['\x1b[2m', '\x1b[0m'] : ['', ''];

function say(text) {
  process.stderr.write(`${GREY[0]}bench: ${text}${GREY[1]}\n`);
}

function shuffled(values) {
  const copy = [...values];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

async function runServers(options, load, perf) {
  const servers = await prepareServers(options.only, say);
  const rounds = new Map(servers.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const server of shuffled(servers)) {
      const figures = await measure(server, load, options.seconds, perf);
      rounds.get(server.name).push(figures);
      say(
        `round ${round}: ${server.name} ${Math.round(figures.perSecond)} requests/s, ${figures.checked} answers checked under load`,
      );
    }
  }
  return rounds;
}

async function runIdle(options, load) {
  const rounds = [];
  const plan = idlePlan(say);
  if (plan.count <= 0) return rounds;
  for (let round = 1; round <= options.rounds; round++) {
    const figures = await measureIdle(plan, load, options.seconds);
    rounds.push(figures);
    say(
      `round ${round}: ${figures.held} idle connections, ${figures.withoutUs.toFixed(2)} us without, ${figures.withUs.toFixed(2)} with`,
    );
  }
  return rounds;
}

/** Instructions of JavaScript's share of the plaintext, with identical and with mixed heads; null without valgrind. */
async function replayPlaintext() {
  const counter = await findCounter();
  if (counter === null) say('valgrind is not installed either: no instructions are counted');
  if (counter === null) return null;
  say("counting the instructions of JavaScript's share with valgrind: a replay kernel in place of the addon");
  const counts = await countReplays(
    counter,
    GUARDED.filter(({ workload }) => workload === 'plaintext'),
  );
  return counts.map(({ instructions }) => instructions);
}

function print(options, load, rows, results) {
  const out = [
    `${load.name}, 1 thread, 64 connections, ${options.rounds} rounds of ${options.seconds} s, medians; Node ${process.version}, ` +
      `Linux ${release()} (${congestionControl()}), ${cpus().length} x ${cpus()[0]?.model}\n\n`,
  ];
  if (rows.length > 0) {
    const checked = rows.reduce((sum, [, row]) => sum + row.checked, 0);
    out.push(table(rows), '\n', callLines(rows));
    out.push(
      `${checked.toLocaleString('en-US')} answers to varying queries were checked under load, and 200 byte for byte in each round.\n`,
      'The figures come from a run with a fixed query: checking makes the load generator the bottleneck.\n\n',
    );
  }
  if (results.idle.length > 0) out.push(idleText(results.idle), '\n');
  if (results.files !== null) out.push(filesText(results.files), '\n');
  out.push(promises(results));
  process.stdout.write(out.join(''));
}

function save(results) {
  const folder = fileURLToPath(new URL('results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.json`;
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  say(`saved ${file}`);
}

async function main(options) {
  const load = new Load();
  if (load.wrk === null)
    say('wrk is not installed (Debian: apt install wrk): autocannon takes its place, slower than the servers');
  const perf = await findPerf();
  if (perf === null) say('perf cannot count instructions here');
  const rounds = ['idle', 'files'].includes(options.only) ? new Map() : await runServers(options, load, perf);
  const idle = options.only === null || options.only === 'idle' ? await runIdle(options, load) : [];
  const files = options.only === null || options.only === 'files' ? await measureFiles(options, load, say) : null;
  const replay = options.instructions && perf === null ? await replayPlaintext() : null;
  const rows = [...rounds].map(([name, figures]) => [name, summarize(figures)]);
  const results = {
    options,
    load: load.name,
    rows: Object.fromEntries(rows),
    ratios: ratiosOf(rounds),
    idle,
    files,
    replay,
  };
  print(options, load, rows, results);
  if (options.save) save({ ...results, rounds: Object.fromEntries(rounds) });
}

const options = readOptions(process.argv.slice(2));
if (options !== null) {
  await main(options).catch((error) => {
    process.stderr.write(`bench: ${error.message}\n`);
    process.exitCode = 1;
  });
  // Ends whoever is still running.
  process.exit();
}
