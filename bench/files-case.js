// The cost of files compared with nginx: processor time of one server at a time, in pairs of runs that follow each
// other.

import { mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeScratch, serverPath, startServer } from './cases.js';
import { cpuOf, helperSecondsOf, pause, residentOf } from './children.js';
import { findNginx, OPEN_FILES, startNginx } from './nginx.js';
import { HEADS, LOAD_CLIENTS, targetsOf, writeRequests } from './requests.js';

const MANY = 10_000;
/** Requests for random files, after which a client starts again. */
const RANDOM_REQUESTS = 2_500;

/**
 * A server is warm after so many requests or so many seconds of them, and after its compiler threads have become idle.
 * Compilation is slow where responses of a megabyte allow only a thousand requests a second.
 */
const WARM_UP = { requests: 20_000, seconds: 10, restSeconds: 5, maxSeconds: 60 };

/** Below this many seconds of processor time per second, the other threads count as idle. */
const REST = 0.02;

/**
 * `limit`: the highest allowed ratio of our processor time per request to nginx's. `instructionLimit`: the same for
 * instructions, which bench/emulated.js counts.
 */
export const FILE_CASES = [
  { name: '1 KiB file', path: '/1k.bin', limit: null, instructionLimit: 0.65 },
  { name: '10 KiB file', path: '/10k.bin', limit: null, instructionLimit: 0.65 },
  { name: '1 MiB file', path: '/1m.bin', limit: 1.1 },
  { name: '10,000 files of 4 KiB at random', path: null, limit: 1.2 },
  { name: '304 of the 1 KiB file', path: '/1k.bin', isConditional: true, limit: null },
];

/** A slow client reads a chunk at a time, from a file that is larger than the memory. */
const SLOW = { bytes: 2 ** 30, chunk: 65_536, pauseMs: 5 };

function makeFolder() {
  const scratch = makeScratch();
  const folder = join(scratch, 'www');
  mkdirSync(join(folder, 'many'), { recursive: true });
  const write = (name, content) => {
    writeFileSync(join(folder, name), content);
    // Old enough for strong entity tags.
    utimesSync(join(folder, name), 1e9, 1e9);
  };
  write('1k.bin', Buffer.alloc(1_024, 'x'));
  write('10k.bin', Buffer.alloc(10_240, 'x'));
  write('1m.bin', Buffer.alloc(1_048_576, 'x'));
  for (let i = 0; i < MANY; i++) write(`many/${i}.bin`, Buffer.alloc(4_096, `${i} `));
  write('slow.bin', '');
  truncateSync(join(folder, 'slow.bin'), SLOW.bytes);
  return { scratch, folder };
}

/** Random targets for each client: the same for all servers and both kinds of heads. */
function drawRandomTargets() {
  const draw = () => `/many/${Math.floor(Math.random() * MANY)}.bin`;
  return Array.from({ length: LOAD_CLIENTS }, () => Array.from({ length: RANDOM_REQUESTS }, draw));
}

/** The folders of prepared requests of a case for a server, by heads. */
async function requestsOf(scratch, server, { path, isConditional = false }, random) {
  const more = isConditional ? [`If-None-Match: ${await tagOf(server)}`] : [];
  const write = (heads) => {
    const targets = (client) => (path === null ? random[client] : targetsOf(() => `${path}?v=@@@@@@`, heads, client));
    return writeRequests(scratch, `requests-${server.name}`, heads, targets, more);
  };
  return Object.fromEntries(HEADS.map((heads) => [heads, write(heads)]));
}

/** Microseconds of processor time per request of a run. */
async function costOf(server, load, folder, seconds) {
  const before = cpuOf(server.pid);
  const { requests, seconds: took } = await load.recorded(server.port, folder, seconds);
  const after = cpuOf(server.pid);
  const us = ((after.user + after.system - before.user - before.system) * 1e6) / requests;
  return { us, userUs: ((after.user - before.user) * 1e6) / requests, requests, perSecond: requests / took };
}

async function tagOf({ port }) {
  const response = await fetch(`http://127.0.0.1:${port}/1k.bin`);
  await response.arrayBuffer();
  return response.headers.get('etag');
}

/** Alternates between both kinds of heads. */
async function warmUp(server, load, folders, seconds) {
  let requests = 0;
  let rested = 0;
  for (let spent = 1; spent <= Math.min(WARM_UP.maxSeconds, seconds * 20); spent++) {
    const before = helperSecondsOf(server.pid);
    const folder = folders[HEADS[spent % HEADS.length]];
    requests += (await costOf(server, load, folder, Math.min(1, seconds))).requests;
    rested = helperSecondsOf(server.pid) - before < REST ? rested + 1 : 0;
    const isUsed = requests >= WARM_UP.requests || spent >= WARM_UP.seconds;
    if (isUsed && rested >= WARM_UP.restSeconds) return;
  }
}

/** The growth of the server's memory in bytes while a client reads a huge file slowly. */
async function growthOf(server, seconds) {
  const socket = connect(server.port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.on('connect', resolve).on('error', reject));
  socket.pause();
  socket.write('GET /slow.bin HTTP/1.1\r\nHost: bench\r\n\r\n');
  await pause(200);
  const before = residentOf(server.pid);
  let most = before;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(SLOW.pauseMs)) {
    socket.read(SLOW.chunk) ?? socket.read();
    most = Math.max(most, residentOf(server.pid));
  }
  socket.destroy();
  return most - before;
}

/** The costs of a case by heads and server; the servers follow each other with the same heads. */
async function roundOf(folders, load, seconds) {
  const costs = {};
  for (const heads of HEADS) {
    costs[heads] = {};
    for (const [server, of] of folders) costs[heads][server.name] = await costOf(server, load, of[heads], seconds);
  }
  return costs;
}

function roundText(costs) {
  const figure = (heads, name) => costs[heads][name].us.toFixed(2);
  const names = Object.keys(costs.identical);
  return names.map((name) => `${name} ${HEADS.map((heads) => figure(heads, name)).join(' | ')} us`).join(', ');
}

/** For each case the rounds of both servers with both heads; null without wrk. */
export async function measureFiles(options, load, say) {
  if (load.wrk === null) {
    say('skipping the file cases: they need wrk (Debian: apt install wrk)');
    return null;
  }
  const { scratch, folder } = makeFolder();
  const program = findNginx();
  if (program === null) say('no ratios for files: nginx is not installed (Debian: apt install nginx-light)');
  const own = await startServer({
    name: 'epoll-server',
    command: process.execPath,
    args: [serverPath('static.js'), folder, `${OPEN_FILES}`],
  });
  const servers = [own, ...(program === null ? [] : [await startNginx(program, folder, scratch)])];
  const random = drawRandomTargets();
  const cases = [];
  for (const fileCase of FILE_CASES) {
    const folders = [];
    for (const server of servers) folders.push([server, await requestsOf(scratch, server, fileCase, random)]);
    // Our server is warmed up last: after a longer pause it would close its kept files and be measured opening them
    // again.
    for (const [server, of] of folders.toReversed()) await warmUp(server, load, of, options.seconds);
    const rounds = [];
    for (let round = 1; round <= options.rounds; round++) {
      const costs = await roundOf(round % 2 === 0 ? folders.toReversed() : folders, load, options.seconds);
      rounds.push(costs);
      say(`${fileCase.name}, round ${round}: ${roundText(costs)}, identical | mixed heads`);
    }
    cases.push({ ...fileCase, rounds });
  }
  const slowGrowth = await growthOf(own, options.seconds);
  for (const server of servers) await server.end();
  return { cases, slowGrowth };
}
