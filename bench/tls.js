// Measures HTTPS beside other servers in one run: processor time of a keep-alive request, of a file of 1 MiB, of a
// connection with a full and with a resumed handshake, and memory of an idle connection. Key (ECDSA P-256), version (TLS
// 1.3), cipher suite (TLS_AES_128_GCM_SHA256) and group (X25519) are the same for all: clients offer nothing else. The
// servers run side by side and are loaded in turn; figures are medians over rounds. A handshake is counted with the one
// request of its connection. This server, nginx and Bun read the file from disk, the others have it in memory. Bun and
// uWebSockets.js are those of .ci/tools/tls, nginx is that of the system.
//   npm run bench:tls
//   npm run bench:tls -- --only epoll-server,nginx --cases keep-alive,full --rounds 5 --seconds 3
//   npm run bench:tls -- --handshakes 4000 --idle 2000

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { issueCertificate } from '../build/modules/tls/issued-certificate.js';
import { readOptions } from '../scripts/arguments.js';
import { installTools } from '../scripts/tools.js';
import { makeScratch, serverPath } from './cases.js';
import { ControlledChild, cpuOf, find } from './children.js';
import { bytesOfIdle, idlePlan } from './idle-case.js';
import { Load } from './load.js';
import { findNginx, startNginx } from './nginx.js';
import { align, median } from './report.js';
import { negotiatedBy, tlsEnvironment } from './tls-client.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HANDSHAKES = fileURLToPath(new URL('handshakes.js', import.meta.url));
const OWN = 'epoll-server';
const SERVERS = [OWN, 'nginx', 'Bun', 'uWebSockets.js', 'node:https'];
const IN_PACKAGES = ['Bun', 'uWebSockets.js'];
const MIB = 2 ** 20;
const DAY_MS = 86_400_000;
/** A megabyte to each of more connections would measure how the system copies what does not fit into caches. */
const FILE_CONNECTIONS = 16;
const HANDSHAKES_MS = 120_000;
/** Older versions have an older OpenSSL: their figures are printed, and not judged. */
const MIN_JUDGED_MAJOR = 24;

/** `limit`: the most that the figure of this server may be, as a ratio to that of `against`, or as a value. */
const CASES = [
  { name: 'keep-alive', title: 'keep-alive request', unit: 'us', limit: 1.1, against: 'the best peer' },
  { name: 'file', title: '1 MiB', unit: 'us', limit: 1, against: 'the best peer' },
  { name: 'full', title: 'full handshake', unit: 'us', limit: 1.05, against: 'nginx' },
  { name: 'resumed', title: 'resumed handshake', unit: 'us', limit: 1, against: 'nginx' },
  { name: 'idle', title: 'idle connection', unit: 'KiB', limit: 15 },
];

const values = readOptions(import.meta.url, {
  only: { type: 'string' },
  cases: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '2' },
  handshakes: { type: 'string', default: '2000' },
  idle: { type: 'string', default: '2000' },
});

function say(text) {
  process.stderr.write(`bench:tls: ${text}\n`);
}

function positive(name) {
  const value = Number(values[name]);
  if (value > 0) return value;
  throw new Error(`--${name} is a number above 0, not ${values[name]}`);
}

/** The names in an option, in the order of `known`. */
function chosen(option, what, known) {
  const names = values[option]?.split(',') ?? known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no ${what} ${unknown}: ${known.join(', ')}`);
  return known.filter((name) => names.includes(name));
}

/** A folder with a certificate, its key, and the file. */
function makeSite() {
  const folder = makeScratch();
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notAfter = new Date(Date.now() + 90 * DAY_MS);
  mkdirSync(join(folder, 'public'));
  writeFileSync(join(folder, 'public', 'mib.bin'), Buffer.alloc(MIB, '0123456789abcdef'));
  writeFileSync(join(folder, 'cert.pem'), issueCertificate({ name: 'localhost', hosts: ['localhost'], key, notAfter }));
  writeFileSync(join(folder, 'key.pem'), key.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return folder;
}

function startOverTls(program, folder) {
  const settings = `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; ssl_protocols TLSv1.3;`;
  const text = String.raw`location = /text { default_type text/plain; return 200 "Hello\n"; }`;
  return startNginx(program, join(folder, 'public'), folder, `${settings} ${text}`, 'ssl');
}

/** The program of Bun for this machine: of its package, whose scripts are not run. */
function findBun(packages) {
  const folder = join(packages, 'node_modules', '@oven');
  const found = readdirSync(folder).map((name) => find('bun', join(folder, name, 'bin')));
  return found.find((path) => path !== null) ?? null;
}

async function startChild(name, command, args, { wrap }, options = {}) {
  const wrapped = wrap(command, args);
  const child = new ControlledChild(name, wrapped.command, wrapped.args, options);
  child.port = Number(/^PORT (\d+)$/.exec(await child.line())?.[1]);
  return child;
}

/** Its binaries for newer versions of Node.js need a newer C library: then the `node` in the PATH may be one that can. */
async function startUws(args, plan) {
  for (const node of [process.execPath, find('node')]) {
    if (node === null) continue;
    const quiet = { stdio: ['pipe', 'pipe', 'ignore'] };
    const child = await startChild('uWebSockets.js', node, args, plan, quiet).catch(() => null);
    if (child !== null) return child;
  }
  return null;
}

/** Starts a server; null: it is not installed, or does not run here. */
async function start(name, folder, packages, plan) {
  if (name === 'nginx') {
    const program = findNginx();
    return program === null ? null : startOverTls(program, folder);
  }
  if (name === 'Bun') {
    const bun = findBun(packages);
    return bun === null ? null : startChild(name, bun, [serverPath('tls-bun.js'), folder], plan);
  }
  const args = ['--expose-gc', serverPath('tls.js'), name, folder, packages];
  return name === 'uWebSockets.js' ? startUws(args, plan) : startChild(name, process.execPath, args, plan);
}

async function startAll(names, starting) {
  const children = new Map();
  for (const name of names) {
    const child = await starting(name);
    if (child === null) say(`skipping ${name}: it is not installed, or does not run here`);
    else children.set(name, child);
  }
  return children;
}

/** Says what the servers negotiate. */
async function checkSame(children) {
  const found = new Set();
  for (const child of children.values()) found.add(await negotiatedBy(child.port));
  if (found.size > 1) throw new Error(`the servers negotiate different things: ${[...found].join(' and ')}`);
  return [...found].join();
}

async function costOf(child, count) {
  const before = cpuOf(child.pid);
  const operations = await count();
  const after = cpuOf(child.pid);
  return ((after.user - before.user + after.system - before.system) * 1e6) / operations;
}

/** Connections of a client in a process of its own, which has made its first sessions before they are counted. */
async function handshakes(child, kind, count) {
  const client = new ControlledChild('bench/handshakes.js', process.execPath, [
    HANDSHAKES,
    `${child.port}`,
    `${count}`,
    kind,
  ]);
  try {
    await client.line();
    return await costOf(child, async () => {
      const counted = client.line(HANDSHAKES_MS);
      client.process.stdin.write('go\n');
      const result = JSON.parse(await counted);
      const wanted = kind === 'resumed' ? result.handshakes : 0;
      if (result.resumed !== wanted)
        throw new Error(`${result.resumed} of ${result.handshakes} handshakes were resumed`);
      return result.handshakes;
    });
  } finally {
    await client.end();
  }
}

/** Memory of idle connections of a server of its own: one that had other clients would take what they left. */
async function idleKib(name, starting, plan, count) {
  const child = await starting(name);
  try {
    return (await bytesOfIdle(child, plan, count, 'tls')) / 1024;
  } finally {
    await child.end();
  }
}

/** How each case is measured: a function from a server and its name to its figure. */
function measures(folder, plan, starting) {
  const load = new Load();
  const env = tlsEnvironment(join(folder, 'openssl.cnf'));
  const seconds = positive('seconds');
  const [handshakeCount, idleCount] = [positive('handshakes'), positive('idle')];
  const loaded = (path, connections) => (child) =>
    costOf(child, async () => (await load.secured(child.port, path, seconds, { env, connections })).requests);
  return {
    loadName: load.name,
    'keep-alive': loaded('/text'),
    file: loaded('/mib.bin', FILE_CONNECTIONS),
    full: (child) => handshakes(child, 'full', handshakeCount),
    resumed: (child) => handshakes(child, 'resumed', handshakeCount),
    idle: (_, name) => idleKib(name, starting, plan, idleCount),
  };
}

/** The figures of each server in each round, by case. */
async function measureAll(children, cases, measure, rounds) {
  const found = Object.fromEntries(
    cases.map((name) => [name, new Map([...children.keys()].map((each) => [each, []]))]),
  );
  for (const name of cases.filter((each) => each !== 'idle')) {
    // Compilers, caches and pools of memory are warm afterwards.
    for (const child of children.values()) await measure[name](child);
  }
  for (const name of cases) {
    for (let round = 0; round < rounds; round++) {
      for (const [server, child] of children) found[name].get(server).push(await measure[name](child, server));
      say(`${name}: round ${round + 1} of ${rounds}`);
    }
  }
  return found;
}

/** The median of the ratios of the rounds to the server with the lowest median; null: there is none. */
function ratioTo(against, figures) {
  const own = figures.get(OWN);
  const peers = [...figures].filter(([name]) => name !== OWN && (against !== 'nginx' || name === 'nginx'));
  if (own === undefined || peers.length === 0) return null;
  const [name, best] = peers.toSorted(([, one], [, other]) => median(one) - median(other))[0];
  return { name, value: median(own.map((figure, round) => figure / best[round])) };
}

function verdictText(value, limit) {
  if (Number(process.versions.node.split('.')[0]) < MIN_JUDGED_MAJOR) return 'not judged';
  return value <= limit ? 'met' : 'missed';
}

function resultCells({ limit, against }, figures) {
  if (against === undefined) {
    const own = figures.get(OWN);
    return own === undefined
      ? ['', `at most ${limit} KiB`, '']
      : ['', `at most ${limit} KiB`, verdictText(median(own), limit)];
  }
  const text = `at most ${limit} x ${against}`;
  const ratio = ratioTo(against, figures);
  if (ratio === null) return ['', text, 'not compared'];
  return [`${ratio.value.toFixed(2)} x ${ratio.name}`, text, verdictText(ratio.value, limit)];
}

function tableText(names, cases, found) {
  const rows = CASES.filter(({ name }) => cases.includes(name)).map((each) => {
    const figures = names.map((server) => median(found[each.name].get(server)).toFixed(1));
    return [`${each.title}, ${each.unit}`, ...figures, ...resultCells(each, found[each.name])];
  });
  return align([['processor time, memory', ...names, 'ratio', 'limit', ''], ...rows]);
}

async function main() {
  const servers = chosen('only', 'server', SERVERS);
  const caseNames = CASES.map(({ name }) => name);
  const cases = chosen('cases', 'case', caseNames);
  const rounds = positive('rounds');
  const folder = makeSite();
  const plan = idlePlan(say);
  const packages = servers.some((name) => IN_PACKAGES.includes(name)) ? installTools(ROOT, 'tls') : ROOT;
  const starting = (name) => start(name, folder, packages, plan);
  const measure = measures(folder, plan, starting);
  const children = await startAll(servers, starting);
  try {
    const negotiated = await checkSame(children);
    process.stdout.write(
      `Node.js ${process.version}, OpenSSL ${process.versions.openssl}: ${negotiated}, load by ${measure.loadName}\n`,
    );
    const found = await measureAll(children, cases, measure, rounds);
    process.stdout.write(tableText([...children.keys()], cases, found));
  } finally {
    for (const child of children.values()) await child.end();
  }
}

await main().catch((error) => {
  say(error.message);
  process.exitCode = 1;
});
process.exit();
