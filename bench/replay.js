// Replays recorded requests through the whole server on a kernel without system calls, in batches of one size: the
// instructions of a run depend on the code alone. Run it under a counter, with two numbers of requests; the difference
// belongs to the requests.
// Bundle it first, as the server is: `bundleReplay()` of bench/instructions.js.
//   valgrind --tool=callgrind --smc-check=all node --single-threaded build/replay/replay.js 100000 [WORKLOAD [HEADS]]
// WORKLOAD: a name of bench/workloads.js. HEADS: `identical` or `mixed`. REPLAY_MODEL=coroutine in the environment has
// coroutines serve instead of the connections themselves.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Acceptor } from '../build/modules/connection/acceptor.js';
import { Connection } from '../build/modules/connection/connection.js';
import { CoroutineClient, readable, writable } from '../build/modules/connection/coroutine.js';
import { Stage } from '../build/modules/connection/stage.js';
import { fetchHandler } from '../build/modules/handlers/fetch.js';
import { wsgi } from '../build/modules/handlers/wsgi.js';
import { HttpClock } from '../build/modules/http/date.js';
import { prepareFields } from '../build/modules/http/fields.js';
import { HeadWriter } from '../build/modules/http/response-head.js';
import { createNativeFiles } from '../build/modules/kernel/files.js';
import { resolveLimits } from '../build/modules/limits.js';
import { Reactor } from '../build/modules/reactor/reactor.js';
import { tuneCompiler } from '../build/modules/server/compiler.js';
import { resolveFolders, Sites } from '../build/modules/server/sites.js';
import { SessionContext } from '../build/modules/session/context.js';
import { Session } from '../build/modules/session/session.js';
import { createReplayKernel, LISTENER } from './replay-kernel.js';
import { CLIENT_COUNT, FILE_COUNT, requestOf, WORKLOADS } from './workloads.js';

const REQUESTS = Number(process.argv[2] ?? 100_000);
const WORKLOAD = process.argv[3] ?? 'plaintext';
const HEADS = process.argv[4] ?? 'identical';
const { app, requests: requestsPerSend = 1, isConditional = false, isSingle = false } = WORKLOADS[WORKLOAD];
const isOfFiles = app === 'files';

const KIB = Buffer.from('0123456789abcde\n'.repeat(64));
const ENTITY_TAG = /\r\nETag: ("[^"]*")\r\n/;

const TEXT = 'text/plain; charset=utf-8';
const fields = prepareFields({ 'Content-Type': TEXT });
const HANDLERS = {
  raw: (request, response) => {
    response.send(200, fields, request.query);
  },
  wsgi: wsgi((environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', TEXT]]);
    return environ.QUERY_STRING;
  }),
  fetch: fetchHandler((request) => new Response(request.url)),
};

function fail(error) {
  throw error;
}

/** The files of a folder, whose system calls are real. */
async function filesHandler(kernel, reactor, limits) {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-replay-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  for (let i = 0; i < FILE_COUNT; i++) {
    writeFileSync(join(folder, `k${i}.txt`), KIB);
    // Old enough for strong entity tags.
    utimesSync(join(folder, `k${i}.txt`), 1e9, 1e9);
  }
  const sites = new Sites(
    await resolveFolders(folder, {}),
    {},
    {
      files: { ...createNativeFiles(), isResident: () => 1 },
      limits,
      nowMs: () => reactor.nowMs(),
      wallClockMs: kernel.wallClockMs,
      onError: fail,
    },
  );
  return sites.handler;
}

/** As in src/coroutine-server.ts. */
function* conversation(client) {
  while (!client.isGone) {
    if (client.isOwed) yield writable;
    else yield readable;
    client.receiveAndAnswer();
  }
}

/** A server on `kernel`, with all its clients connected or about to connect. */
async function startServer(kernel) {
  const reactor = new Reactor(kernel);
  const limits = resolveLimits({});
  const sessions = new SessionContext({
    handler: HANDLERS[app] ?? (await filesHandler(kernel, reactor, limits)),
    limits,
    headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), 'epoll-server'),
    observer: null,
    onError: fail,
    nowMs: () => reactor.nowMs(),
  });
  const context = {
    kernel,
    reactor,
    stage: new Stage(kernel),
    ...limits,
    localAddress: { address: '127.0.0.1', port: 8080 },
    onClosed: () => {},
  };
  reactor.onServed(() => context.stage.flush());
  const isCoroutine = process.env.REPLAY_MODEL === 'coroutine';
  const connect = (fd) => {
    const connection = isCoroutine ? new CoroutineClient(context, fd, 1, conversation) : new Connection(context, fd, 1);
    connection.protocol = new Session(connection, sessions);
    reactor.add(connection);
  };
  if (isSingle) reactor.add(new Acceptor(reactor, LISTENER, 1, { ...limits, onAccept: connect }));
  else for (let fd = 0; fd < CLIENT_COUNT; fd++) connect(fd);
  return reactor;
}

async function turnUntil(reactor, kernel, sends) {
  while (kernel.sends < sends) {
    const before = kernel.sends;
    reactor.turn();
    // Answers that wait for the thread pool get a moment.
    if (kernel.sends === before) await new Promise(setImmediate);
  }
}

function requestsOf(tag) {
  return Array.from({ length: CLIENT_COUNT }, (_, client) => requestOf(WORKLOAD, HEADS, client, tag));
}

tuneCompiler();
// Files are not looked at again within a run: valgrind knows neither openat2 nor cachestat.
const kernel = createReplayKernel({ stepMs: isOfFiles ? 0.001 : 1, loaders: isOfFiles ? FILE_COUNT : 0, isSingle });
kernel.record(requestsOf(null));
const reactor = await startServer(kernel);
if (isConditional) {
  await turnUntil(reactor, kernel, FILE_COUNT);
  kernel.record(requestsOf(ENTITY_TAG.exec(kernel.output.toString('latin1'))?.[1]));
}
await turnUntil(reactor, kernel, Math.ceil(REQUESTS / requestsPerSend));
process.stdout.write(`${kernel.sends * requestsPerSend} answers\n`);
