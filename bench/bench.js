// Measures the cost of a request, beside node:http, nginx and a minimal C loop. See --help.

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { prepareServers } from './cases.js';
import { congestionControl } from './children.js';
import { measureFiles } from './files-case.js';
import { idlePlan, measureIdle } from './idle-case.js';
import { countReplays, findCounter, findPerf } from './instructions.js';
import { CONNECTIONS, Load } from './load.js';
import { CASES, readOptions } from './options.js';
import { callLines, filesText, idleText, ratiosOf, summarize, table, targets } from './report.js';
import { HEADS, LOAD_CLIENTS } from './requests.js';
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

/** Figures of all rounds, by case, server and heads. */
async function runServers(servers, options, load, perf) {
  const cases = new Map();
  for (const { caseName, name } of servers) {
    if (!cases.has(caseName)) cases.set(caseName, new Map());
    cases.get(caseName).set(name, { identical: [], mixed: [] });
  }
  const runs = servers.flatMap((server) => HEADS.map((heads) => ({ server, heads })));
  for (let round = 1; round <= options.rounds; round++) {
    for (const { server, heads } of shuffled(runs)) {
      const figures = await measure(server, heads, load, options.seconds, perf);
      cases.get(server.caseName).get(server.name)[heads].push(figures);
      say(
        `round ${round}: ${server.caseName}, ${server.name}, ${heads} heads: ${(figures.userUs + figures.systemUs).toFixed(2)} us of CPU ` +
          `per request, ${Math.round(figures.perSecond)} requests/s`,
      );
    }
  }
  return cases;
}

/** The rounds of each server by name. Other servers are for comparison, so one round is enough. */
async function runIdle(servers, options, load) {
  const rounds = {};
  const plan = idlePlan(say);
  if (plan.count <= 0) return rounds;
  for (let round = 1; round <= options.rounds; round++) {
    for (const server of servers.filter(({ counts }) => counts || round === 1)) {
      const figures = await measureIdle(plan, server, load, options.seconds);
      rounds[server.name] = [...(rounds[server.name] ?? []), figures];
      const changes = HEADS.map((heads) => `${heads} heads ${changeText(figures[heads])}`);
      say(`round ${round}: ${figures.held} idle connections, ${server.name}: ${changes.join(', ')}`);
    }
  }
  return rounds;
}

function changeText({ withoutUs, withUs }) {
  return `${withoutUs.toFixed(2)} us without, ${withUs.toFixed(2)} with`;
}

/**
 * Counts the instructions of JavaScript's share of plaintext, with identical and mixed heads; null without valgrind.
 */
async function replayPlaintext() {
  const counter = await findCounter();
  if (counter === null) say('valgrind is not installed either: instructions are not counted');
  if (counter === null) return null;
  say("counting the instructions of JavaScript's share with valgrind, on a replay kernel instead of the addon");
  const counts = await countReplays(
    counter,
    GUARDED.filter(({ workload }) => workload === 'plaintext'),
  );
  return counts.map(({ instructions }) => instructions);
}

function print(options, load, results) {
  const out = [
    `${load.name}, ${LOAD_CLIENTS} clients of ${CONNECTIONS / LOAD_CLIENTS} connections, ${options.rounds} rounds of ${options.seconds} s, medians; Node ${process.version}, ` +
      `Linux ${release()} (${congestionControl()}), ${cpus().length} x ${cpus()[0]?.model}\n` +
      'identical heads: all clients send the same request, as a load generator does; mixed: eight kinds of clients\n\n',
  ];
  let checked = 0;
  for (const [caseName, servers] of Object.entries(results.cases)) {
    const rows = Object.entries(servers);
    out.push(table(caseName, rows), callLines(rows), '\n');
    for (const [, row] of rows) checked += row.identical.checked;
  }
  if (checked > 0) {
    out.push(
      `${checked.toLocaleString('en-US')} responses to varying queries were checked under load, and 200 byte for byte in each run.\n`,
      'The figures come from runs without checks: checking would make the load generator the bottleneck.\n\n',
    );
  }
  if (Object.keys(results.idle).length > 0) out.push(idleText(results.idle), '\n');
  if (results.files !== null) out.push(filesText(results.files), '\n');
  out.push(targets(results));
  process.stdout.write(out.join(''));
}

/** Medians by case, server and heads. */
function summarizeCases(cases) {
  const summarizeRow = (row) => Object.fromEntries(HEADS.map((heads) => [heads, summarize(row[heads])]));
  const summarizeServers = (servers) =>
    Object.fromEntries([...servers].map(([name, row]) => [name, summarizeRow(row)]));
  return Object.fromEntries([...cases].map(([caseName, servers]) => [caseName, summarizeServers(servers)]));
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
    say('wrk is not installed (Debian: apt install wrk): using autocannon, which is slower than the servers');
  const perf = await findPerf();
  if (perf === null) say('perf cannot count instructions on this machine');
  const wants = (name) => options.only === null || options.only === name;
  const wanted = CASES.filter((name) => wants(name) || (name === 'plaintext' && wants('idle')));
  const all = await prepareServers(wanted, say);
  const servers = all.filter(({ name }) => options.server === null || options.server === name);
  const cases = await runServers(
    servers.filter(({ caseName }) => wants(caseName)),
    options,
    load,
    perf,
  );
  const echoes = servers.filter(({ caseName }) => caseName === 'plaintext');
  const idle = wants('idle') ? await runIdle(echoes, options, load) : {};
  const files = wants('files') ? await measureFiles(options, load, say) : null;
  const replay = options.instructions && perf === null ? await replayPlaintext() : null;
  const plaintext = cases.get('plaintext') ?? new Map();
  const results = {
    options,
    load: load.name,
    cases: summarizeCases(cases),
    ratios: Object.fromEntries(HEADS.map((heads) => [heads, ratiosOf(plaintext, heads)])),
    idle,
    files,
    replay,
  };
  print(options, load, results);
  const rounds = Object.fromEntries([...cases].map(([name, each]) => [name, Object.fromEntries(each)]));
  if (options.save) save({ ...results, rounds });
}

const options = readOptions(process.argv.slice(2));
if (options !== null) {
  await main(options).catch((error) => {
    process.stderr.write(`bench: ${error.message}\n`);
    process.exitCode = 1;
  });
  // Children that still run end with the process.
  process.exit();
}
