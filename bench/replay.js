// Replays recorded requests through the whole server on a kernel without system calls, in batches of one size. So the
// instructions of a run depend on the code only. Run it under a counter with two numbers of requests: the difference
// belongs to the requests. `npm run bench:guard` bundles it first, as the server is bundled.
//   valgrind --tool=callgrind --smc-check=all node --single-threaded build/replay/replay.js 100000 [WORKLOAD [HEADS]]
// WORKLOAD: a name of bench/workloads.js, or `all`, each with all its heads. HEADS: `identical` or `mixed`. With
// REPLAY_MODEL=coroutine in the environment, coroutines serve instead of connections. With REPLAY_RULES='{"headers":...}',
// the option `rules` of serve(), these rules apply. With REPLAY_METRICS=1 requests are measured, as with an admin listener,
// with REPLAY_IDS=1 they have ids, and with REPLAY_LOG=json (common, combined) lines of the access log, which go nowhere.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fetchHandler } from '../build/modules/adapters/fetch.js';
import { wsgi } from '../build/modules/adapters/wsgi.js';
import { Acceptor } from '../build/modules/connection/acceptor.js';
import { Connection } from '../build/modules/connection/connection.js';
import { CoroutineClient, readable, writable } from '../build/modules/connection/coroutine.js';
import { SendBatch } from '../build/modules/connection/send-batch.js';
import { RequestMetrics } from '../build/modules/exchange/request-metrics.js';
import { resolveFolders, Sites } from '../build/modules/files/sites.js';
import { precompileFields } from '../build/modules/http/fields.js';
import { HttpClock } from '../build/modules/http/http-clock.js';
import { RequestIds } from '../build/modules/http/request-ids.js';
import { HeadWriter } from '../build/modules/http/response-head.js';
import { SessionContext } from '../build/modules/http1/context.js';
import { Session } from '../build/modules/http1/session.js';
import { createNativeFiles } from '../build/modules/kernel/files.js';
import { UNFINISHED } from '../build/modules/kernel/kernel.js';
import { lineFormatter } from '../build/modules/log/access-log.js';
import { RequestLog } from '../build/modules/log/request-log.js';
import { checkGiven } from '../build/modules/options/check.js';
import { resolveLimits } from '../build/modules/options/resolve-limits.js';
import { rulesSettingsOf } from '../build/modules/options/rules-settings.js';
import { resolveStatic } from '../build/modules/options/static-settings.js';
import { Reactor } from '../build/modules/reactor/reactor.js';
import { openRules } from '../build/modules/rules/open-rules.js';
import { tuneCompiler } from '../build/modules/server/compiler.js';
import { createReplayKernel, LISTENER } from './replay-kernel.js';
import { CLIENT_COUNT, FILE_COUNT, headsOf, requestOf, WORKLOADS } from './workloads.js';

/** Turns before control returns to the event loop. */
const TURNS = 64;

/** How long the thread pool may work before the next turn. */
const POOL_MS = 20;

const KIB = Buffer.from('0123456789abcde\n'.repeat(64));
const ENTITY_TAG = /\r\nETag: ("[^"]*")\r\n/;

const TEXT = 'text/plain; charset=utf-8';
const fields = precompileFields({ 'Content-Type': TEXT });
const HANDLERS = {
  raw: (request, response) => {
    response.send(200, fields, request.query);
  },
  wsgi: wsgi((environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', TEXT]]);
    return environ.QUERY_STRING;
  }),
  fetch: fetchHandler((request) => new Response(request.url), { overrideGlobals: true }),
};

/** The access log that the environment asks for; null: none. */
function logOf(kernel, reactor) {
  const format = process.env.REPLAY_LOG;
  if (format === undefined) return null;
  const log = { sink: () => {}, format: lineFormatter(format) };
  const requestLog = new RequestLog({ log, trace: null, wallClockMs: kernel.wallClockMs });
  reactor.onTurnEnd(() => requestLog.flush());
  return requestLog;
}

function fail(error) {
  throw error;
}

/** Serves the files of a folder with real system calls. */
async function filesHandler(kernel, reactor, limits) {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-replay-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  for (let i = 0; i < FILE_COUNT; i++) {
    writeFileSync(join(folder, `k${i}.txt`), KIB);
    // Old enough for strong entity tags.
    utimesSync(join(folder, `k${i}.txt`), 1e9, 1e9);
  }
  const settings = resolveStatic(folder);
  const sites = new Sites(await resolveFolders(settings), settings, {
    files: { ...createNativeFiles(), isResident: () => 1 },
    limits,
    nowMs: () => reactor.nowMs(),
    wallClockMs: kernel.wallClockMs,
    onError: fail,
  });
  return sites.handler;
}

/** `handler` behind the rules of the environment. */
function withRules(handler, nowMs) {
  const given = process.env.REPLAY_RULES;
  if (given === undefined) return handler;
  const rules = rulesSettingsOf(checkGiven({ rules: JSON.parse(given) }));
  return openRules(rules, handler, null, { nowMs, onError: fail }).handler;
}

/** As in src/coroutine-server.ts. */
function* conversation(client) {
  while (!client.isGone) {
    if (client.hasPendingOutput) yield writable;
    else yield readable;
    client.receiveAndAnswer();
  }
}

/** A server on `kernel`, with all its clients connected or about to connect. */
async function startServer(kernel, { app, isSingle = false }) {
  const reactor = new Reactor(kernel);
  const limits = resolveLimits({});
  const sessions = new SessionContext({
    memory: kernel,
    handler: withRules(HANDLERS[app] ?? (await filesHandler(kernel, reactor, limits)), () => reactor.nowMs()),
    limits,
    headWriter: new HeadWriter(new HttpClock(kernel.wallClockMs), 'epoll-server'),
    observer: logOf(kernel, reactor),
    requestIds: process.env.REPLAY_IDS === '1' ? new RequestIds('0123456789abcdef0123') : null,
    metrics: process.env.REPLAY_METRICS === '1' ? new RequestMetrics(() => performance.now()) : null,
    onError: fail,
    nowMs: () => reactor.nowMs(),
  });
  const context = {
    kernel,
    reactor,
    sendBatch: new SendBatch(kernel, reactor),
    ...limits,
    maxUnusedBytes: Infinity,
    localAddress: { address: '127.0.0.1', port: 8080 },
    listenerOptions: { backlog: 1, isEncrypted: false },
    encryption: null,
    onClosed: () => {},
    onFault: fail,
  };
  reactor.onTurnBegin(() => context.sendBatch.flushJoined());
  reactor.onServed(() => context.sendBatch.flush());
  const isCoroutine = process.env.REPLAY_MODEL === 'coroutine';
  const connect = (fd) => {
    const connection = isCoroutine ? new CoroutineClient(context, fd, 1, conversation) : new Connection(context, fd, 1);
    connection.speak((channel) => new Session(channel, sessions));
    reactor.add(connection);
  };
  if (isSingle) reactor.add(new Acceptor(reactor, LISTENER, 1, { ...limits, onAccept: connect }));
  else for (let fd = 0; fd < CLIENT_COUNT; fd++) connect(fd);
  return reactor;
}

/**
 * Runs turns until so many responses were sent. `Array.from` calls turn() from native code, as the bridge to libuv
 * does. In a loop here V8 might inline turn() at a time of its choice, and that compilation would count as work for
 * requests.
 */
function turnUntil(reactor, kernel, sends) {
  const turn = reactor.turn.bind(reactor);
  while (kernel.sends < sends) {
    const before = kernel.sends;
    Array.from({ length: Math.min(TURNS, Math.ceil((sends - before) / CLIENT_COUNT)) }, turn);
  }
}

/** Each file is loaded in the thread pool. The number of turns for it must not depend on time, since V8 counts them. */
async function loadFiles(reactor, kernel) {
  while (kernel.sends < FILE_COUNT) {
    const before = kernel.sends;
    reactor.turn();
    while (kernel.sends === before && kernel.control[UNFINISHED] === 0) await setTimeout(POOL_MS);
  }
}

/** Replays a workload and returns the number of responses. */
async function replay(workload, heads, requests) {
  const { app, requests: requestsPerSend = 1, isConditional = false, isSingle = false } = WORKLOADS[workload];
  const isOfFiles = app === 'files';
  const requestsOf = (tag) =>
    Array.from({ length: CLIENT_COUNT }, (_, client) => requestOf(workload, heads, client, tag));
  // Files are not checked again within a run: valgrind supports neither openat2 nor cachestat.
  const kernel = createReplayKernel({ stepMs: isOfFiles ? 0.001 : 1, loaders: isOfFiles ? FILE_COUNT : 0, isSingle });
  kernel.record(requestsOf(null));
  const reactor = await startServer(kernel, WORKLOADS[workload]);
  if (isOfFiles) await loadFiles(reactor, kernel);
  if (isConditional) kernel.record(requestsOf(ENTITY_TAG.exec(kernel.output.toString('latin1'))?.[1]));
  turnUntil(reactor, kernel, Math.ceil(requests / requestsPerSend));
  const status = kernel.output.toString('latin1', 0, 'HTTP/1.1 200'.length);
  const expected = `HTTP/1.1 ${isConditional ? 304 : 200}`;
  if (status !== expected) throw new Error(`${workload}, ${heads} heads: ${status} instead of ${expected}`);
  return kernel.sends * requestsPerSend;
}

const [requests = '100000', workload = 'plaintext', heads = 'identical'] = process.argv.slice(2);
tuneCompiler();
if (workload === 'all') {
  for (const name of Object.keys(WORKLOADS)) {
    for (const each of headsOf(name)) {
      process.stdout.write(`${name}, ${each}: ${await replay(name, each, Number(requests))} responses\n`);
    }
  }
} else process.stdout.write(`${await replay(workload, heads, Number(requests))} responses\n`);
