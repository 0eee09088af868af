// Loses no request: three replicas behind HAProxy, and behind nginx, under keep-alive GETs and POSTs, while the replicas
// are restarted by SIGTERM, reloaded by SIGHUP and upgraded by SIGUSR2. Beside it the same with SIGKILL, which has to
// fail: it shows that losses are seen. Also: systemd-analyze verifies the units of deploy/, schemas its manifests for
// Kubernetes, and the parser of Python's prometheus_client reads the metrics, whose sums have to be exact. What is not
// installed is said to be NOT TRIED.
//   npm run check:operations                     the short form: two variants, each replica once
//   npm run check:operations -- --all            all variants: PROXY protocol, Unix sockets, TLS, sockets of systemd
//   npm run check:operations -- --restarts 20 --reloads 20 --upgrades 5 --only TEXT     rounds over all replicas
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from './arguments.js';
import { ask, Load } from './operations/load.js';
import { validateManifests } from './operations/manifests.js';
import { configPath, PROXIES, VARIANTS } from './operations/proxies.js';
import { Replica } from './operations/replica.js';
import { folder, isInstalled, start, until } from './operations/system.js';
import { freePort } from './programs.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REPLICAS = 3;
/** A kill between two requests loses none. */
const MAX_KILLS = 12;
/** Requests whose sum the metrics have to show. */
const COUNTED = 400;
/** Characters of metrics that could not be read. */
const MAX_SHOWN = 200;

const APPLICATION = `
export default {
  async fetch(request) {
    const body = await request.text();
    if (request.url.endsWith('/slow')) await new Promise((resolve) => setTimeout(resolve, 20));
    return new Response(request.method + ' ' + body);
  },
};
`;

let passed = 0;
let failed = 0;

function say(isGood, text) {
  if (isGood) passed++;
  else failed++;
  process.stdout.write(`${isGood ? 'ok' : 'FAILED'}: ${text}\n`);
}

function sayNotTried(text) {
  process.stdout.write(`NOT TRIED: ${text}\n`);
}

/** Runs `disturb` under load; returns the load. */
async function measure(port, disturb) {
  const load = new Load(port);
  await until(() => load.answered > 100, 'requests are answered');
  await disturb(load);
  await load.end();
  return load;
}

/** Each replica in turn, so many times. */
function rolling(replicas, rounds, disturb) {
  return async () => {
    for (let round = 0; round < rounds; round++) for (const replica of replicas) await disturb(replica);
  };
}

async function tryVariant({ name, program, replica, proxy }, { restarts, reloads, upgrades }) {
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, (_, index) => Replica.start(`${program}-${index}`, replica)),
  );
  const { config, argsOf } = PROXIES[program];
  const port = await freePort();
  writeFileSync(configPath(program), config(port, replicas, proxy));
  await Promise.all(replicas.map((each) => each.ready()));
  const front = start(program, argsOf(configPath(program)));
  await until(async () => {
    if (front.exitCode !== null) throw new Error(`${name} has ended: ${front.said}`);
    return ask(port, undefined, 'GET', '/').then(Boolean, () => false);
  }, `${name} serves`);
  const kinds = [
    ['restarts by SIGTERM', restarts, (each) => each.restart('SIGTERM')],
    ['reloads by SIGHUP', reloads, (each) => each.reload()],
    ['upgrades by SIGUSR2', upgrades, (each) => each.upgrade()],
  ];
  for (const [what, rounds, disturb] of kinds) {
    const { answered, lost, reasons } = await measure(port, rolling(replicas, rounds, disturb));
    const text = `${name}: ${REPLICAS * rounds} ${what}: ${lost} of ${answered + lost} requests were lost`;
    say(lost === 0, lost === 0 ? text : `${text}: ${[...reasons].join('; ')}`);
  }
  await tryKills(name, port, replicas);
  await tryMetrics(name, port, replicas);
  await Promise.all(replicas.map((each) => each.end()));
  front.kill('SIGTERM');
  await until(() => front.exitCode !== null || front.signalCode !== null, `${name} has ended`);
}

async function tryKills(name, port, replicas) {
  let kills = 0;
  const { answered, lost } = await measure(port, async (load) => {
    for (; load.lost === 0 && kills < MAX_KILLS; kills++) await replicas[kills % REPLICAS].restart('SIGKILL');
  });
  const text = `${name}: by ${kills} SIGKILL ${lost} of ${answered + lost} requests were lost, and have to be`;
  say(lost > 0, text);
}

const PARSER = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
print(json.dumps([[s.name, s.labels, s.value] for f in parse(sys.stdin.read()) for s in f.samples]))
`;

/** Responses that all replicas have counted, as the parser of prometheus_client reads them; NaN: it failed. */
async function countedBy(python, replicas) {
  // All have answered before the parser stops this process: a replica closes a connection that waits for five seconds.
  const answers = await Promise.all(replicas.map((each) => each.get('/metrics')));
  return answers
    .map(({ status, text }) => {
      const { stdout, stderr } = spawnSync(python, ['-c', PARSER], { input: text, encoding: 'utf8' });
      if (stdout === '') {
        process.stdout.write(`status ${status}, ${text.length} characters, ${text.slice(0, MAX_SHOWN)}: ${stderr}`);
        return Number.NaN;
      }
      const responses = JSON.parse(stdout).filter(([name]) => name === 'epoll_server_responses_total');
      return responses.reduce((sum, [, , value]) => sum + value, 0);
    })
    .reduce((sum, each) => sum + each, 0);
}

/** The sums over workers stay exact when workers are replaced. */
async function tryMetrics(name, port, replicas) {
  const python = ['/usr/bin/python3', 'python3'].find(
    (each) => spawnSync(each, ['-c', 'import prometheus_client']).status === 0,
  );
  if (python === undefined) return sayNotTried('python3-prometheus-client is not installed');
  const before = await countedBy(python, replicas);
  const reloading = rolling(replicas, 1, (each) => each.reload())();
  for (let i = 0; i < COUNTED / 2; i++) await ask(port, undefined, 'GET', '/');
  await reloading;
  for (let i = 0; i < COUNTED / 2; i++) await ask(port, undefined, 'GET', '/');
  const counted = (await countedBy(python, replicas)) - before;
  say(counted === COUNTED, `${name}: prometheus_client reads ${counted} of ${COUNTED} requests, reloads among them`);
}

function tryManifests() {
  try {
    say(true, `the schemas of Kubernetes accept ${validateManifests(ROOT).join(', ')} of deploy/`);
  } catch (error) {
    say(false, `the manifests of deploy/: ${error.message}`);
  }
}

function tryUnits() {
  if (!isInstalled('systemd-analyze')) return sayNotTried('systemd-analyze is not installed');
  const units = ['epoll-server.service', 'epoll-server.socket', 'epoll-server-direct.service'];
  // The programs and folders of the units are those of another machine.
  for (const unit of units) {
    const text = readFileSync(join(ROOT, 'deploy', 'systemd', unit), 'utf8');
    writeFileSync(join(folder, unit), text.replaceAll('/usr/bin/node', process.execPath));
  }
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...units.map((unit) => join(folder, unit))], {
    encoding: 'utf8',
  });
  say(status === 0, `systemd-analyze verifies the units of deploy/${status === 0 ? '' : `: ${stderr}`}`);
}

const values = readOptions(import.meta.url, {
  all: { type: 'boolean', default: false },
  only: { type: 'string' },
  restarts: { type: 'string', default: '1' },
  reloads: { type: 'string', default: '1' },
  upgrades: { type: 'string', default: '1' },
});

function isChosen({ name, isShort = false }) {
  return values.only === undefined ? values.all || isShort : name.includes(values.only);
}

try {
  writeFileSync(join(folder, 'app.mjs'), APPLICATION);
  tryUnits();
  tryManifests();
  if (!isInstalled('wrk')) sayNotTried('wrk is not installed: our own clients are the load');
  const rounds = Object.fromEntries(['restarts', 'reloads', 'upgrades'].map((name) => [name, Number(values[name])]));
  for (const variant of VARIANTS.filter(isChosen)) {
    if (isInstalled(variant.program)) await tryVariant(variant, rounds);
    else sayNotTried(`${variant.program} is not installed`);
  }
} catch (error) {
  say(false, error.stack);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);
