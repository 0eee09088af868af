// What a file costs, next to nginx: processor time of either server alone, in pairs of runs that follow each other.

import { mkdirSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serverPath, startServer } from './cases.js';
import { cpuOf, helperSecondsOf, pause, residentOf } from './children.js';
import { OPEN_FILES, startNginx } from './nginx.js';

const RANDOM = fileURLToPath(new URL('random-file.lua', import.meta.url));
const MANY = 10_000;

/**
 * Warm is who had so many requests, or so many seconds of them, and whose compilers have rested since: where a megabyte
 * each makes a thousand a second, they take their time.
 */
const WARM_UP = { requests: 20_000, seconds: 10, restSeconds: 5, maxSeconds: 60 };

/** Seconds of other threads in one second that are none. */
const REST = 0.02;

/** One thread of wrk reads 8 KiB at a time, about 1 GB a second: of large files either server would be at rest then. */
const THREADS = availableParallelism();

/**
 * `limit`: of our processor time per request in units of nginx's; `instructionLimit`: of our instructions, which
 * bench/emulated.js counts.
 */
export const FILE_CASES = [
  { name: '1 KiB file', path: '/1k.bin', limit: null, instructionLimit: 0.65 },
  { name: '10 KiB file', path: '/10k.bin', limit: null, instructionLimit: 0.65 },
  { name: `1 MiB file, read by ${THREADS} threads`, path: '/1m.bin', args: [`-t${THREADS}`], limit: 1.1 },
  { name: '10,000 files of 4 KiB at random', path: '/', args: ['-s', RANDOM], tail: ['--', `${MANY}`], limit: 1.2 },
  { name: '304 of the 1 KiB file', path: '/1k.bin', isConditional: true, limit: null },
];

/** Slowly: a chunk at a time, of a file that no memory holds. */
const SLOW = { bytes: 2 ** 30, chunk: 65_536, pauseMs: 5 };

function makeFolder() {
  const scratch = mkdtempSync(join(tmpdir(), 'epoll-bench-files-'));
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
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

/** Microseconds of processor time for each request of a run. */
async function costOf(server, load, fileCase, seconds) {
  const args = [...(fileCase.args ?? [])];
  if (fileCase.isConditional) args.push('-H', `If-None-Match: ${await tagOf(server)}`);
  const before = cpuOf(server.pid);
  const { requests } = await load.files(server.port, fileCase, args, seconds);
  const after = cpuOf(server.pid);
  const us = ((after.user + after.system - before.user - before.system) * 1e6) / requests;
  return { us, userUs: ((after.user - before.user) * 1e6) / requests, requests };
}

async function tagOf({ port }) {
  const answer = await fetch(`http://127.0.0.1:${port}/1k.bin`);
  await answer.arrayBuffer();
  return answer.headers.get('etag');
}

async function warmUp(server, load, fileCase, seconds) {
  let requests = 0;
  let rested = 0;
  for (let spent = 1; spent <= Math.min(WARM_UP.maxSeconds, seconds * 20); spent++) {
    const before = helperSecondsOf(server.pid);
    requests += (await costOf(server, load, fileCase, Math.min(1, seconds))).requests;
    rested = helperSecondsOf(server.pid) - before < REST ? rested + 1 : 0;
    const isUsed = requests >= WARM_UP.requests || spent >= WARM_UP.seconds;
    if (isUsed && rested >= WARM_UP.restSeconds) return;
  }
}

/** Bytes by which the server grows while a client reads a huge file slowly. */
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

/** For each case the rounds of both; null: there is no nginx, or no wrk, which is said. */
export async function measureFiles(options, load, say) {
  if (load.wrk === null) {
    say('the file cases need wrk (Debian: apt install wrk): left out');
    return null;
  }
  const { scratch, folder } = makeFolder();
  const nginx = await startNginx(folder, scratch);
  if (nginx === null) say('nginx is not installed (Debian: apt install nginx-light): no ratios of files');
  const own = await startServer({
    name: 'epoll-server',
    command: process.execPath,
    args: [serverPath('static.js'), folder, `${OPEN_FILES}`],
  });
  const servers = [own, ...(nginx === null ? [] : [nginx])];
  const cases = [];
  for (const fileCase of FILE_CASES) {
    // Ours last: idle for longer than a kept file, it would be measured opening it anew.
    for (const server of servers.toReversed()) await warmUp(server, load, fileCase, options.seconds);
    const rounds = [];
    for (let round = 1; round <= options.rounds; round++) {
      const costs = new Map();
      for (const server of round % 2 === 0 ? servers.toReversed() : servers) {
        costs.set(server, await costOf(server, load, fileCase, options.seconds));
      }
      rounds.push({ own: costs.get(own), nginx: nginx === null ? null : costs.get(nginx) });
      const theirs = nginx === null ? '' : `, nginx ${costs.get(nginx).us.toFixed(2)} us`;
      say(`${fileCase.name}, round ${round}: ${costs.get(own).us.toFixed(2)} us${theirs}`);
    }
    cases.push({ ...fileCase, rounds });
  }
  const slowGrowth = await growthOf(own, options.seconds);
  for (const server of servers) await server.end();
  return { cases, slowGrowth };
}
