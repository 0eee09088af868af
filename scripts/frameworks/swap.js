// Loaded before the tests of a framework, into each of their processes. It counts the requests that node:http's own
// servers and this server take. FRAMEWORKS_OVER names a module with `createServer` and `Server`: these then stand where
// node:http's stood, for `require` and `import` alike. It adds no globals, since mocha looks for those.
import { subscribe } from 'node:diagnostics_channel';
import { renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

const folder = process.env.FRAMEWORKS_COUNTS;
const over = process.env.FRAMEWORKS_OVER;
/** Runners end their processes with a signal, so the counts are written while the tests run. */
const WRITE_EVERY_MS = 200;

/** Of `secure` are the servers of node:https, which are not replaced. */
const counts = { servers: 0, ours: 0, native: 0, secure: 0 };
let timer = null;

/** A process that is killed while it writes leaves its counts of before. */
function write() {
  const file = join(folder, `${process.pid}-${threadId}`);
  writeFileSync(`${file}.part`, JSON.stringify(counts));
  renameSync(`${file}.part`, `${file}.json`);
}

function count(what) {
  counts[what]++;
  timer ??= setTimeout(() => {
    timer = null;
    write();
  }, WRITE_EVERY_MS).unref();
}

/** `http.Server` can be called without `new`, a class cannot. */
function countingServer(Server) {
  const construct = (target, args, newTarget) => {
    count('servers');
    return Reflect.construct(target, args, newTarget === CountingServer ? target : newTarget);
  };
  const CountingServer = new Proxy(Server, {
    construct,
    apply: (target, _self, args) => construct(target, args, target),
  });
  return CountingServer;
}

let isOurs = () => false;
if (over !== undefined) {
  const { createServer, Server } = await import(over);
  isOurs = (server) => server instanceof Server;
  http.Server = countingServer(Server);
  http.createServer = (...args) => {
    count('servers');
    return createServer(...args);
  };
  syncBuiltinESMExports();
}

subscribe('http.server.request.start', ({ server }) => {
  if (isOurs(server)) count('ours');
  else count(server instanceof https.Server ? 'secure' : 'native');
});
process.on('exit', () => {
  if (timer !== null) write();
});
