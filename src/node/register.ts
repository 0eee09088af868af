// Replaces createServer and Server of node:http and node:https for the whole process, for CommonJS and for ES modules.

import cluster from 'node:cluster';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { logLine } from '../log/log-line.ts';
import { createEpollServer, EpollServerClass } from './create-server.ts';
import { createSecureServer, EpollSecureServerClass, reportNativeServers } from './secure-server.ts';

/** The environment variable that switches the line on standard error off. */
const QUIET_VARIABLE = 'EPOLL_SERVER_QUIET';

export function register(): void {
  if (cluster.isWorker) {
    say('this is a worker of node:cluster, whose sockets belong to its primary: node:http stays as it is');
    return;
  }
  http.createServer = createEpollServer;
  http.Server = EpollServerClass;
  https.createServer = createSecureServer;
  https.Server = EpollSecureServerClass;
  reportNativeServers((problem) => say(`a server of node:https stays Node's: ${problem}`));
  syncBuiltinESMExports();
  say('http.createServer and https.createServer are epoll-server now; sockets of others stay as they are');
}

function say(text: string): void {
  if ((process.env[QUIET_VARIABLE] ?? '') === '') logLine(`${text} (${QUIET_VARIABLE}=1 leaves this line out)`);
}
