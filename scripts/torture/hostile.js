// Attacks of hostile clients with few bytes: bodies in tiny chunks, runs of blanks, requests that are aborted while
// their response is compressed, and connections whose descriptor is reused for another client.
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { HALF_OPEN } from './half-open.js';
import { beside } from './hardships.js';
import { ADAPTER_FLAGS, READER_NAMES } from './reading.js';
import { makeSite, pause, Target } from './target.js';
import { memoryBound, sendTinyChunks } from './tiny-chunks.js';

const MIB = 2 ** 20;
const mib = (bytes) => `${Math.round(bytes / MIB)} MiB`;
const OFFLOAD = ['--offload', '1'];

// ---- Tiny chunks -------------------------------------------------------------------------------------------

const CHUNKS = 2_000_000;
/** The limit of all hardships for the good client's wait. */
const MAX_WAIT_MS = 1_000;

/** Every body reader of one adapter. */
async function tinyChunks(adapter, flags) {
  let [grownBytes, slowestMs] = [0, 0];
  const wrong = [];
  for (const reader of READER_NAMES[adapter]) {
    const trial = await sendTinyChunks({ adapter, reader, count: CHUNKS, flags });
    grownBytes = Math.max(grownBytes, trial.grownBytes);
    slowestMs = Math.max(slowestMs, trial.slowestMs);
    if (!trial.isRight) wrong.push(`${reader} counted ${trial.counted}, others: ${JSON.stringify(trial.outcomes)}`);
  }
  const isWithin = grownBytes <= memoryBound(CHUNKS) && slowestMs <= MAX_WAIT_MS;
  const text = `growth up to ${mib(grownBytes)}; good client: slowest ${slowestMs} ms`;
  return { isRight: isWithin && wrong.length === 0, text: [text, ...wrong].join('; ') };
}

// ---- Runs of blanks ----------------------------------------------------------------------------------------

const [FEW, MANY] = [2_000, 15_800];
/** Twice the cost of linear scanning: the runs are eight times as long. */
const MAX_RATIO = 16;
/** A request is repeated until it has cost this much, or this often: /proc counts in hundredths of a second. */
const [COUNTED_SECONDS, MAX_REPEATS] = [0.3, 4_000];
const IN_FLIGHT = 8;

function withField(target, name, before, behind) {
  return (run) => `GET ${target} HTTP/1.1\r\nHost: a\r\n${name}: ${before}${run}${behind}\r\n\r\n`;
}

function withTrailer(run) {
  const head = 'POST /bytes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  return `${head}1\r\nx\r\n0\r\nX-T: a${run}x\r\n\r\n`;
}

/** The positions of a run, by the name of the request. */
const RUN_POSITIONS = {
  Range: withField('/small.txt', 'Range', 'bytes=0-1', 'x'),
  'Range of a list': withField('/small.txt', 'Range', 'bytes=0-1,', '2-3'),
  'If-Range': withField('/small.txt', 'If-Range', '"a"', 'x'),
  'If-None-Match': withField('/small.txt', 'If-None-Match', '"a"', 'x'),
  'If-Modified-Since': withField('/small.txt', 'If-Modified-Since', 'Sat, 01 Jan', '2000 00:00:00 GMT'),
  Accept: withField('/list/', 'Accept', 'application/json', 'x'),
  'Accept-Encoding': withField('/small.txt', 'Accept-Encoding', 'gzip', ';q=0x'),
  Connection: withField('/small.txt', 'Connection', 'keep-alive,', 'x'),
  'an echoed field': withField('/field', 'X-Echo', 'a', 'x'),
  'a trailer': withTrailer,
};

/** Seconds of processor time per request on a kept connection. */
async function costOf(target, request) {
  const socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  let responses = 0;
  let isOver = false;
  let changed = () => {};
  socket.on('data', (bytes) => {
    responses += bytes.toString('latin1').split('HTTP/1.1 ').length - 1;
    changed();
  });
  socket.on('close', () => {
    isOver = true;
    changed();
  });
  const before = target.cpuSeconds();
  let spent = 0;
  let sent = 0;
  while (spent < COUNTED_SECONDS && sent < MAX_REPEATS && !isOver) {
    sent += IN_FLIGHT;
    socket.write(request.repeat(IN_FLIGHT), 'latin1');
    while (responses < sent && !isOver) {
      await new Promise((resolve) => {
        changed = resolve;
      });
    }
    spent = target.cpuSeconds() - before;
  }
  socket.destroy();
  return isOver ? Number.NaN : spent / sent;
}

async function blanks(adapter) {
  const site = makeSite();
  mkdirSync(join(site.root, 'list'));
  const target = await Target.start(site.root, { flags: [...ADAPTER_FLAGS[adapter], '--listing'] });
  const ratios = [];
  for (const [name, make] of Object.entries(RUN_POSITIONS)) {
    const few = await costOf(target, make(' '.repeat(FEW)));
    const many = await costOf(target, make(' '.repeat(MANY)));
    ratios.push([name, many / few, many]);
  }
  await target.stop();
  site.remove();
  ratios.sort(([, one], [, other]) => other - one);
  const isRight = ratios.every(([, ratio]) => ratio < MAX_RATIO);
  const [worst, ratio, seconds] = ratios[0];
  const times = `${(seconds * 1_000).toFixed(2)} ms of processor time with ${MANY} bytes`;
  return { isRight, text: `at worst ${ratio.toFixed(1)} times the cost for 8 times the bytes: ${worst}, ${times}` };
}

// ---- The wrong address -------------------------------------------------------------------------------------

const NEWCOMERS = 40;
/** Other clients connect from another address and to another one. */
const [THEIR_ADDRESS, OTHER_ADDRESS] = ['127.0.0.2', '127.0.0.3'];

function openFrom(port, options) {
  return new Promise((resolve) => {
    const socket = connect({ port, ...options });
    socket.on('error', () => {});
    socket.once('connect', () => resolve(socket));
  });
}

/** A client that sends a request and resets; others get its descriptor while the application still waits. */
async function wrongAddress(adapter, flags) {
  const site = makeSite();
  const target = await Target.start(site.root, { flags: [...ADAPTER_FLAGS[adapter], ...flags, '--host', '0.0.0.0'] });
  const before = target.descriptors().length;
  const first = await openFrom(target.port, { host: '127.0.0.1' });
  const expected = [
    { address: '127.0.0.1', port: first.localPort },
    { address: '127.0.0.1', port: target.port },
  ];
  first.write('GET /who HTTP/1.1\r\nHost: a\r\n\r\n');
  await pause(100);
  first.resetAndDestroy();
  for (let waited = 0; waited < 400 && target.descriptors().length > before; waited += 5) await pause(5);
  const others = await Promise.all(
    Array.from({ length: NEWCOMERS }, () =>
      openFrom(target.port, { host: OTHER_ADDRESS, localAddress: THEIR_ADDRESS }),
    ),
  );
  for (let waited = 0; waited < 5_000 && !target.stdout.includes('client '); waited += 50) await pause(50);
  for (const socket of others) socket.destroy();
  const printed = /^client (.*)$/m.exec(target.stdout)?.[1] ?? 'nothing';
  await target.stop();
  site.remove();
  const isRight = printed === JSON.stringify(expected);
  const text = isRight
    ? 'the application reads its own two addresses'
    : `${JSON.stringify(expected)} is read as ${printed}`;
  return { isRight, text };
}

// ---- Abandoned compressions --------------------------------------------------------------------------------

const COMPRESSED_FILES = 1_500;
const COMPRESSED_BYTES = 1_000_000;
const [MAX_GROWTH_BYTES, MAX_SECONDS] = [200 * MIB, 5];
const CLIENTS = 100;

/** Many names of one text, each of which is compressed separately. */
function fillTexts(root) {
  const line = (i) => `${i} ${(i * 2_654_435_761) >>> 0} readiness, queue, descriptor, edge\n`;
  const text = Array.from({ length: COMPRESSED_BYTES / 40 }, (_, i) => line(i)).join('');
  writeFileSync(join(root, 'text-0.txt'), text.slice(0, COMPRESSED_BYTES));
  for (let i = 1; i < COMPRESSED_FILES; i++) linkSync(join(root, 'text-0.txt'), join(root, `text-${i}.txt`));
}

/** Requests each of them once and resets the connection when the server has the request. */
async function abandonAll(port) {
  let next = 0;
  const one = async () => {
    while (next < COMPRESSED_FILES) {
      const number = next++;
      const socket = await openFrom(port, { host: '127.0.0.1' });
      const coding = number % 2 === 0 ? 'gzip' : 'br';
      socket.write(`GET /text-${number}.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${coding}\r\n\r\n`);
      await pause(2);
      socket.resetAndDestroy();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, one));
}

/** Twice: the second time shows whether the work of the first was cached. */
async function abandonedCompressions(target, site) {
  fillTexts(site.root);
  const before = target.residentBytes();
  target.resetPeak();
  const seconds = [];
  for (let i = 0; i < 2; i++) {
    const begin = target.cpuSeconds();
    await abandonAll(target.port);
    // Work that is still in progress counts too.
    for (let spent = -1; spent !== target.cpuSeconds(); await pause(1_000)) spent = target.cpuSeconds();
    seconds.push(target.cpuSeconds() - begin);
  }
  const grownBytes = target.peakBytes() - before;
  const isRight = grownBytes < MAX_GROWTH_BYTES && seconds.every((each) => each < MAX_SECONDS);
  const times = seconds.map((each) => each.toFixed(1)).join(' and ');
  return { isRight, text: `growth ${mib(grownBytes)}, ${times} s of processor time` };
}

// ---- The table ---------------------------------------------------------------------------------------------

const ADAPTERS = Object.keys(ADAPTER_FLAGS);

export const HOSTILE = [
  ...ADAPTERS.flatMap((adapter) => [
    { name: `${CHUNKS} chunks of one byte, ${adapter}`, run: () => tinyChunks(adapter, []) },
    { name: `${CHUNKS} chunks of one byte, ${adapter} in a thread`, run: () => tinyChunks(adapter, OFFLOAD) },
  ]),
  ...ADAPTERS.map((adapter) => ({ name: `runs of blanks, ${adapter}`, run: () => blanks(adapter) })),
  ...ADAPTERS.flatMap((adapter) => [
    { name: `a descriptor with a new client, ${adapter}`, run: () => wrongAddress(adapter, []) },
    { name: `a descriptor with a new client, ${adapter} in a thread`, run: () => wrongAddress(adapter, OFFLOAD) },
  ]),
  {
    name: `${COMPRESSED_FILES} aborted requests for compressed files, twice`,
    run: () => beside(() => ({}), abandonedCompressions),
  },
  ...HALF_OPEN,
];
