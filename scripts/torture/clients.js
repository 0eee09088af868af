// Clients of a server under torture: good ones that check every byte of every response, and a load of them.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { contentOf, FILES, pause } from './target.js';

const NAMES = Object.keys(FILES);
const GOOD_CLIENT = fileURLToPath(new URL('good-client.js', import.meta.url));

/** Bytes of a wrong response that are printed, from the first wrong one on. */
const SHOWN_BYTES = 120;

/** Prints what was expected and what came. */
function reportWrong(name, expected, came) {
  const end = came.indexOf('\r\n\r\n') + 4;
  let at = 0;
  while (end + at < came.length && came[end + at] === expected[at]) at++;
  const texts = [came.subarray(0, end), expected.subarray(at), came.subarray(end + at)].map((bytes) =>
    JSON.stringify(bytes.toString('latin1', 0, SHOWN_BYTES)),
  );
  const lengths = `${came.length - end} bytes of content behind ${texts[0]}, expected ${expected.length}`;
  process.stderr.write(
    `wrong response for /${name}: ${lengths}; from byte ${at} on came ${texts[2]}, expected ${texts[1]}\n`,
  );
}

/** Reads one response; resolves to its outcome. A wrong byte gives `wrong`, which is never allowed. */
function readResponse(socket, name, timeoutMs) {
  const expected = contentOf(name);
  return new Promise((resolve) => {
    const pieces = [];
    let length = 0;
    let end = -1;
    let head = '';
    const done = (outcome) => {
      clearTimeout(timer);
      socket.off('data', onData).off('error', onError).off('close', onClose);
      if (outcome === 'wrong') reportWrong(name, expected, Buffer.concat(pieces));
      resolve(outcome);
    };
    const onData = (bytes) => {
      pieces.push(bytes);
      length += bytes.length;
      if (end < 0) {
        const so = Buffer.concat(pieces);
        const at = so.indexOf('\r\n\r\n');
        if (at < 0) return;
        head = so.toString('latin1', 0, at);
        const declared = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? -1);
        end = at + 4 + declared;
        if (!/^HTTP\/1\.1 \d{3} /.test(head) || declared < 0) return done('wrong');
      }
      if (length < end) return;
      if (length > end) return done('wrong');
      if (!head.startsWith('HTTP/1.1 200 ')) return done(head.slice(9, 12));
      const content = Buffer.concat(pieces).subarray(end - expected.length);
      done(expected.length <= end && content.equals(expected) ? 'right' : 'wrong');
    };
    const onError = () => done('cut');
    const onClose = () => done('cut');
    const timer = setTimeout(() => done('stalled'), timeoutMs);
    socket.on('data', onData).on('error', onError).on('close', onClose);
  });
}

function request(name, more = '') {
  return `GET /${name} HTTP/1.1\r\nHost: torture\r\n${more}\r\n`;
}

function open(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(null));
  });
}

/** One request of a new client: `right`, `wrong`, `cut`, `stalled`, a status, or `refused`. */
export async function requestOnce(port, name = 'small.txt', timeoutMs = 1_000) {
  const socket = await open(port);
  if (socket === null) return 'refused';
  const response = readResponse(socket, name, timeoutMs);
  socket.write(request(name));
  const outcome = await response;
  socket.destroy();
  return outcome;
}

/** Sends requests on connections that are kept for a while, until `untilMs`. Counts outcomes. */
export async function load(port, { clients, untilMs, timeoutMs = 2_500 }) {
  const outcomes = {};
  const count = (outcome) => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  };
  const one = async (index) => {
    for (let round = 0; Date.now() < untilMs; round++) {
      const socket = await open(port);
      if (socket === null) {
        count('refused');
        await pause(20);
        continue;
      }
      for (let i = 0; i < 5 && Date.now() < untilMs; i++) {
        const name = NAMES[(index + round + i) % NAMES.length];
        const response = readResponse(socket, name, timeoutMs);
        socket.write(request(name));
        const outcome = await response;
        count(outcome);
        if (outcome !== 'right') break;
      }
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, index) => one(index)));
  return outcomes;
}

/** A client that requests much and reads little; `stop()` ends it. */
export function slowReader(port) {
  const socket = connect({ port, host: '127.0.0.1', highWaterMark: 1_024 });
  socket.on('error', () => {});
  socket.write(request('large.bin').repeat(4));
  socket.pause();
  const timer = setInterval(() => socket.read(1_024), 50);
  return {
    stop: () => {
      clearInterval(timer);
      socket.destroy();
    },
  };
}

/**
 * Opens `count` idle connections. `requestAll()` sends requests on all and resolves to how many got a complete response within
 * 6 s.
 */
export async function idleClients(port, count) {
  const sockets = [];
  // No more at once than a backlog holds.
  for (let i = 0; i < count; i += 100)
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(port)))));
  return {
    requestAll: async () => {
      const responses = sockets.map((socket) => readResponse(socket, 'small.txt', 6_000));
      for (const socket of sockets) socket.write(request('small.txt'));
      const outcomes = await Promise.all(responses);
      for (const socket of sockets) socket.destroy();
      return outcomes.filter((outcome) => outcome === 'right').length;
    },
  };
}

/** A client that repeatedly sends content that the server does not read, so that connections linger. */
export function uploader(port) {
  let isOver = false;
  const one = async () => {
    const socket = await open(port);
    if (socket === null) return pause(50);
    socket.resume();
    socket.write(`POST /small.txt HTTP/1.1\r\nHost: torture\r\nContent-Length: 600000\r\n\r\n${'x'.repeat(100_000)}`);
    await pause(50);
    socket.destroy();
  };
  const work = (async () => {
    while (!isOver) await one();
  })();
  return {
    stop: () => {
      isOver = true;
      return work;
    },
  };
}

/** Opens `count` connections at once and resets them all. */
export async function resetStorm(port, count) {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(port)));
  for (const socket of sockets) {
    if (socket === null) continue;
    socket.write(request('medium.bin'));
    socket.resetAndDestroy();
  }
  return sockets.filter((socket) => socket !== null).length;
}

/**
 * Sends requests with pauses of `pauseMs` until `stop()`, which resolves to the outcomes, the slowest response and the
 * p99. It runs in a process of its own, so that work of this process does not delay its measurements.
 */
export function goodClient(port, pauseMs = 100) {
  const child = spawn(process.execPath, [GOOD_CLIENT, `${port}`, `${pauseMs}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (bytes) => {
    text += bytes;
  });
  return {
    stop: async () => {
      child.stdin.end();
      await new Promise((resolve) => child.once('exit', resolve));
      return JSON.parse(text);
    },
  };
}
