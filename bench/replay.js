// Replays the same bytes through the whole server on a kernel without system calls, in batches of a fixed
// size: the instructions of a run depend on the code alone. Run it under a counter, with two numbers of
// requests; the difference belongs to the requests.
// Bundle it first, as the server is: `bundleReplay()` of bench/instructions.js.
//   valgrind --tool=callgrind --smc-check=all node --single-threaded build/replay/replay.js 100000 [REQUEST [DOOR]]
// A folder in the place of DOOR: its files are served. REPLAY_MODEL=coroutine in the environment has coroutines serve
// instead of the connections themselves.
import { Connection } from '../build/modules/connection/connection.js';
import { CoroutineClient, readable, writable } from '../build/modules/connection/coroutine.js';
import { Stage } from '../build/modules/connection/stage.js';
import { fetchHandler } from '../build/modules/handlers/fetch.js';
import { isolated } from '../build/modules/handlers/isolated.js';
import { wsgi } from '../build/modules/handlers/wsgi.js';
import { HttpClock } from '../build/modules/http/date.js';
import { prepareFields } from '../build/modules/http/fields.js';
import { HeadWriter } from '../build/modules/http/response-head.js';
import { createNativeFiles } from '../build/modules/kernel/files.js';
import {
  DUE_AT_MS,
  EVENT_WORDS,
  NOW_MS,
  ORDER_FILE_COUNT,
  ORDER_LENGTH,
  ORDER_RESULT,
  ORDER_STATUS,
  ORDER_TAKEN,
  ORDER_WORDS,
  READABLE,
  SLOT_BYTES,
} from '../build/modules/kernel/kernel.js';
import { resolveLimits } from '../build/modules/limits.js';
import { Reactor } from '../build/modules/reactor/reactor.js';
import { tuneCompiler } from '../build/modules/server/compiler.js';
import { resolveFolders, Sites } from '../build/modules/server/sites.js';
import { SessionContext } from '../build/modules/session/context.js';
import { Session } from '../build/modules/session/session.js';

const CLIENTS = 64;
const REQUESTS = Number(process.argv[2] ?? 100_000);
const BYTES = Buffer.from(process.argv[3] || 'GET /?name=123 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n');

/** Files are not looked at again within a run: valgrind knows neither openat2 nor cachestat. */
const STEP_MS = process.argv[4]?.includes('/') ? 0.001 : 1;

/**
 * Every client has sent the same request whenever it is asked: the first one alone, until it has its answer. Events and
 * bytes are there from the start, since a kernel that receives them costs no instruction of the program's.
 */
function replayKernel() {
  const control = new Float64Array(12);
  const events = new Int32Array(256 * EVENT_WORDS);
  const ahead = Buffer.alloc(CLIENTS * SLOT_BYTES);
  const received = new Int32Array(CLIENTS);
  const orders = new Int32Array(16 * ORDER_WORDS);
  for (let i = 0; i < CLIENTS; i++) {
    events.set([i, 1, READABLE], i * EVENT_WORDS);
    ahead.set(BYTES, i * SLOT_BYTES);
    received[i] = BYTES.length;
  }
  const kernel = {
    traits: { name: 'replay', edgeTriggered: true, hasDescriptor: false, seesHangup: true, maxDescriptors: 0 },
    events,
    input: Buffer.alloc(65_536),
    ahead,
    received,
    orders,
    output: Buffer.alloc(131_072),
    control,
    asked: 0,
    answered: 0,
    wait: () => {
      control[NOW_MS] += STEP_MS;
      // A file that has to be fetched first comes late; meanwhile nobody sends requests by the thousand.
      return kernel.answered > 0 ? CLIENTS : Number(kernel.asked++ === 0);
    },
    sendAll: (count) => {
      for (let at = 0; at < count * ORDER_WORDS; at += ORDER_WORDS) {
        orders[at + ORDER_RESULT] = orders[at + ORDER_LENGTH];
        orders[at + ORDER_TAKEN] = orders[at + ORDER_FILE_COUNT];
        orders[at + ORDER_STATUS] = 0;
      }
      kernel.answered += count;
      return 0;
    },
    // The first answer of a file comes late: from an outbox.
    receiveAhead: () => 0,
    send: (_fd, _offset, length) => {
      kernel.answered++;
      return length;
    },
    transferred: () => [0, 0],
    peer: () => ({ address: '127.0.0.2', port: 40_000 }),
    unacknowledged: () => 0,
    now: () => control[NOW_MS],
    wallClockMs: () => 1e12,
  };
  control[DUE_AT_MS] = Number.POSITIVE_INFINITY;
  return kernel;
}

tuneCompiler();
const kernel = replayKernel();
const reactor = new Reactor(kernel);
const limits = resolveLimits({});
const fields = prepareFields({ 'Content-Type': 'text/plain; charset=utf-8' });
const raw = (request, response) => {
  response.send(200, fields, request.query);
};
/** The same answer through each door. */
const HANDLERS = {
  raw,
  isolated: isolated(raw),
  wsgi: wsgi((environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
    return environ.QUERY_STRING;
  }),
  'wsgi hello': wsgi((_environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
    return 'Hello';
  }),
  fetch: fetchHandler((request) => new Response(request.url)),
  'fetch hello': fetchHandler(() => new Response('Hello')),
};

/** The files of a folder, whose system calls are real. */
async function filesOf(folder) {
  const sites = new Sites(
    await resolveFolders(folder, {}),
    {},
    {
      files: { ...createNativeFiles(), isResident: () => 1 },
      limits,
      nowMs: () => reactor.nowMs(),
      wallClockMs: kernel.wallClockMs,
      onError: (error) => {
        throw error;
      },
    },
  );
  return sites.handler;
}

const what = process.argv[4] ?? 'raw';
const sessions = new SessionContext({
  handler: HANDLERS[what] ?? (await filesOf(what)),
  limits,
  headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), 'epoll-server'),
  observer: null,
  onError: (error) => {
    throw error;
  },
  nowMs: () => reactor.nowMs(),
});
const ADDRESS = { address: '127.0.0.1', port: 8080 };
const context = {
  kernel,
  reactor,
  stage: new Stage(kernel),
  ...limits,
  localAddress: ADDRESS,
  onClosed: () => {},
};
reactor.onServed(() => context.stage.flush());

/** As in src/coroutine-server.ts. */
function* conversation(client) {
  while (!client.isGone) {
    if (client.isOwed) yield writable;
    else yield readable;
    client.receiveAndAnswer();
  }
}

function connect(fd) {
  return process.env.REPLAY_MODEL === 'coroutine'
    ? new CoroutineClient(context, fd, 1, conversation)
    : new Connection(context, fd, 1);
}

for (let fd = 0; fd < CLIENTS; fd++) {
  const connection = connect(fd);
  reactor.add(connection);
  connection.protocol = new Session(connection, sessions);
}
while (kernel.answered < REQUESTS) {
  const before = kernel.answered;
  reactor.turn();
  // Whoever waits for the thread pool gets a moment.
  if (kernel.answered === before) await new Promise(setImmediate);
}
process.stdout.write(`${kernel.answered} answers\n`);
